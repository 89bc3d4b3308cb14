package server

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/console"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
	"github.com/keyhold/keyhold/internal/space"
)

const jsonType = "application/x-amz-json-1.1"

// A Handler answers requests of the KMS protocol and, at the same address, of the query protocol, which the STS
// API uses.
type Handler struct {
	Service  *service.Service
	Verifier *sigv4.Verifier
	Log      *slog.Logger

	// Forwarders are the proxies whose X-Forwarded-For is trusted.
	Forwarders []netip.Prefix
	// Hosts are the names, in lower case, by which web pages may use the server and its neighbours, in addition
	// to the names and addresses of the loopback interface.
	Hosts []string

	// Refused, if set, is called for every request whose signature is refused. It is for dev servers. Requests
	// are examined only if it is set.
	Refused func(requestID string, x sigv4.Examination, reason *key.Error)

	// Requests, if set, counts the requests of clients.
	Requests *measure.Requests

	// Trace, if set, makes spans of requests. Requests must be set then.
	Trace Trace

	// Console, if set, is served below its path.
	Console *console.Site

	pages, regions onceAMinute // warnings about refused requests

	refusals, failures, panics perMinute // lines about requests
}

// answer answers a request.
func (h *Handler) answer(r *request) response {
	if h.asksConsole(r) {
		return h.answerConsole(r)
	}
	if h.Requests != nil && !r.asksReadiness() {
		defer h.count(r, h.Requests.Begin())
	}
	r.sourceIP = h.source(r)
	switch {
	case isFromPage(r.Header) && !pageAdmitted(r.Header, r.localAddr(), h.Hosts):
		return h.refusePage(r)
	case r.asksReadiness():
		return h.answerReadiness(r)
	case isQuery(r.Header):
		return h.answerQuery(r)
	}
	return h.answerKMS(r)
}

// count counts a request that began at a time.
func (h *Handler) count(r *request, begun measure.Moment) {
	h.Requests.Note(r.operation, r.code, begun)
}

// answerKMS answers a request of the KMS protocol.
func (h *Handler) answerKMS(r *request) response {
	out, err := h.callKMS(r)
	if b, ok := out.(*service.Backup); ok && err == nil {
		if err = b.Start(); err == nil {
			return response{status: http.StatusOK, contentType: "application/octet-stream", stream: b, requestID: r.id}
		}
	}
	var body []byte
	if err == nil && out != nil {
		body, err = api.Encode(out)
	}
	if err != nil {
		refused := h.refusal(r.id, r.Header.Get("x-amz-target"), err)
		r.code = h.Requests.Code(string(refused.Kind))
		return errorResponse(r.id, refused)
	}
	r.code = measure.OK
	return response{status: http.StatusOK, contentType: jsonType, body: body, requestID: r.id}
}

// callKMS runs the operation that a request names, and returns its output, or nil if the operation has none. It
// makes the first checks in the order that the API promises: signature, target, JSON.
func (h *Handler) callKMS(r *request) (any, error) {
	defer clear(r.body)
	if err := r.checkSize(); err != nil {
		return nil, err
	}
	r.revision = h.Service.StoreRevision()
	caller, err := h.Verifier.Verify(context.Background(), &r.Request, r.body, "kms")
	r.finishVerification(err == nil)
	if err != nil {
		target, operation, _ := strings.Cut(r.Header.Get("x-amz-target"), ".")
		h.refuseSignature(r, target, operation, err)
		return nil, err
	}
	r.turn = h.Service.Queue(context.Background(), caller, len(r.body))
	defer r.turn.End()
	op, err := h.operation(r)
	if err != nil {
		return nil, err
	}
	r.operation = op.Number
	in := op.NewInput()
	if err := api.Decode(r.body, in); err != nil {
		return nil, key.Errorf(key.KindSerialization, "%v", err)
	}
	return h.do(r, caller, op, in)
}

// do passes the request to the gate.
func (h *Handler) do(r *request, caller identity.Caller, op service.Operation, in any) (any, error) {
	return h.Service.Do(r.context(), service.Request{
		ID:        r.id,
		Caller:    caller,
		SourceIP:  r.sourceIP,
		UserAgent: r.Header.Get("user-agent"),
		Secure:    r.secure,
		Operation: op,
		Input:     in,
		Revision:  r.revision,
		Turn:      r.turn,
	})
}

// refuseSignature records a refused signature. It ignores errors that are not about the request.
func (h *Handler) refuseSignature(r *request, target, operation string, err error) {
	reason, ok := errors.AsType[*key.Error](err)
	if !ok {
		return
	}
	keyID, region := sigv4.UnverifiedSigner(&r.Request)
	if errors.Is(err, sigv4.ErrRegion) {
		h.warnOfRegion(region, r.sourceIP)
	}
	h.Service.RecordBadSignature(service.BadSignature{
		RequestID: r.id, SourceIP: r.sourceIP, UserAgent: r.Header.Get("user-agent"),
		Target: target, Name: operation, AccessKeyID: keyID, Region: region, Reason: reason,
	})
	if h.Refused != nil {
		h.Refused(r.id, sigv4.Examine(&r.Request, r.body), reason)
	}
}

// operation returns the operation that the request names.
func (h *Handler) operation(r *request) (service.Operation, error) {
	if r.Method != http.MethodPost || r.Target != "/" || !isJSON11(r.Header.Get("content-type")) {
		return service.Operation{}, unknownOperation()
	}
	prefix, name, _ := strings.Cut(r.Header.Get("x-amz-target"), ".")
	op, served := h.Service.Find(name)
	switch {
	case served && op.Target == prefix && prefix != api.TargetSTS:
		return op, nil
	case prefix == api.TargetKMS && api.Known(name):
		return service.Operation{}, key.Errorf(key.KindUnsupportedOperation, "%s is not supported.", name)
	}
	return service.Operation{}, unknownOperation()
}

func unknownOperation() error {
	return key.Errorf(key.KindUnknownOperation, "The request names no operation of this service.")
}

// isJSON11 reports whether a media type is the protocol's, ignoring parameters.
func isJSON11(header string) bool {
	if header == jsonType {
		return true
	}
	media, _, err := mime.ParseMediaType(header)
	return err == nil && media == jsonType
}

// refusal returns the error for the caller, and logs the real cause.
func (h *Handler) refusal(id, target string, err error) *key.Error {
	refused, ok := errors.AsType[*key.Error](err)
	if errors.Is(err, space.ErrFull) { // already logged by the Keeper
		return internalError(err)
	}
	if !ok {
		h.logFailure(id, target, err)
		return internalError(err)
	}
	if refused.Cause != nil {
		h.warnOfRefusal(id, target, refused)
	}
	return h.Service.WithClock(refused)
}
