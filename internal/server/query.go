package server

import (
	"context"
	"mime"
	"net/http"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
)

const formType = "application/x-www-form-urlencoded"

// unsignedRegion is the Region of requests without a signature: the Region of the original global endpoint of
// STS.
const unsignedRegion = "us-east-1"

// iamVersion is the version of the IAM API, which uses the same protocol. Its actions are not supported.
const iamVersion = "2010-05-08"

// isQuery reports whether a request uses the query protocol.
func isQuery(h sigv4.Header) bool {
	if _, targeted := h.First("x-amz-target"); targeted {
		return false
	}
	media, _, err := mime.ParseMediaType(h.Get("content-type"))
	return err == nil && media == formType
}

// answerQuery answers a request of the query protocol.
func (h *Handler) answerQuery(r *request) response {
	body, err := h.callQuery(r)
	status := http.StatusOK
	r.code = measure.OK
	if err != nil {
		refused := h.refusal(r.id, "the query protocol", err)
		r.code = h.Requests.Code(string(refused.Kind))
		fault := sts.FaultOf(string(refused.Kind))
		status, body = fault.Status, sts.EncodeError(r.id, fault, refused.Message)
	}
	return response{status: status, contentType: "text/xml", body: body, requestID: r.id}
}

// callQuery runs the operation that a request names, and returns its encoded output. It checks the request in
// this order: form, signature, action, parameters.
func (h *Handler) callQuery(r *request) ([]byte, error) {
	defer clear(r.body)
	if err := r.checkSize(); err != nil {
		return nil, err
	}
	form, err := sts.ParseForm(r.body)
	if err != nil {
		return nil, key.Errorf(key.KindSerialization, "%v", err)
	}
	op, served := h.queryOperation(form)
	r.revision = h.Service.StoreRevision()
	caller, err := h.queryCaller(r, form, op.Unsigned)
	r.finishVerification(err == nil && !op.Unsigned)
	if err != nil {
		h.refuseSignature(r, api.TargetSTS, form["Action"], err)
		return nil, err
	}
	if !op.Unsigned {
		r.turn = h.Service.Queue(context.Background(), caller, len(r.body))
		defer r.turn.End()
	}
	if !served || r.Method != http.MethodPost || r.Target != "/" {
		return nil, key.Errorf(key.KindInvalidAction, "Could not find operation %s for version %s", form["Action"],
			form["Version"])
	}
	r.operation = op.Number
	in := op.NewInput()
	if err := form.Decode(in); err != nil {
		return nil, key.Errorf(key.KindSerialization, "%v", err)
	}
	out, err := h.do(r, caller, op, in)
	if err != nil {
		return nil, err
	}
	return sts.Encode(op.Name, r.id, out)
}

func (h *Handler) queryOperation(f sts.Form) (service.Operation, bool) {
	op, served := h.Service.Find(f["Action"])
	if !served || op.Target != api.TargetSTS || f["Version"] != sts.Version {
		return service.Operation{}, false
	}
	return op, true
}

// queryCaller verifies the signature for the API that the request names. For an operation that needs no
// signature, it returns an anonymous caller, even if the request is signed.
func (h *Handler) queryCaller(r *request, f sts.Form, unsigned bool) (identity.Caller, error) {
	switch {
	case unsigned:
		return identity.Caller{Principal: identity.Principal{Kind: identity.KindWebIdentity}, Region: unsignedRegion}, nil
	case f["Version"] == iamVersion:
		return h.Verifier.Verify(context.Background(), &r.Request, r.body, "iam")
	}
	return h.Verifier.Verify(context.Background(), &r.Request, r.body, "sts")
}
