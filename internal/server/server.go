// Package server speaks the protocols of KMS and STS over HTTP in front of a
// service.
//
// It reads the request, has its signature verified, finds the operation, decodes
// the body, hands all to the gate of package service, and writes the answer or
// the error. It decides nothing itself.
package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
)

// MaxBody is the size of the largest body that is read, in bytes.
const MaxBody = 128 << 10

const contentType = "application/x-amz-json-1.1"

// A Handler answers requests: those of the KMS protocol and, at the same address,
// those of the query protocol, which the STS API is of.
type Handler struct {
	Service  *service.Service
	Verifier *identity.Verifier
	Log      *slog.Logger

	// Refused, if set, is told of every request whose signature is refused. It is
	// for dev servers: what a request shows is looked at for it alone.
	Refused func(requestID string, x identity.Examination, reason *key.Error)
}

// New returns an HTTP server around a Handler, with the limits that keep slow and
// large requests from taking more than their share.
func New(h *Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(h.Log.Handler(), slog.LevelDebug),
	}
}

// ServeHTTP answers one request. Every answer has a request ID and a date.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := uuid.NewString()
	if isQuery(r) {
		h.serveQuery(w, r, id)
		return
	}
	header := w.Header()                                // whose names are spelled as Set would
	values := []string{id, contentType, "no-store", ""} // in one piece, as there are some for each request
	header["X-Amzn-Requestid"] = values[0:1:1]
	header["Content-Type"] = values[1:2:2]
	header["Cache-Control"] = values[2:3:3]
	out, err := h.answer(r, id)
	var body []byte
	if err == nil && out != nil {
		body, err = api.Encode(out)
	}
	if err != nil {
		h.refuse(w, r, id, err)
		return
	}
	values[3] = strconv.Itoa(len(body))
	header["Content-Length"] = values[3:]
	w.Write(body)
	clear(body)
}

// answer returns the response of the operation; nil, which is no body at all,
// for the operations that answer nothing. It keeps the first checks in the order
// that the API promises: signature, target, JSON.
func (h *Handler) answer(r *http.Request, id string) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	defer clear(body)
	caller, err := h.Verifier.Verify(r, body, "kms")
	if err != nil {
		h.tellRefused(r, body, id, err)
		return nil, err
	}
	op, err := h.operation(r)
	if err != nil {
		return nil, err
	}
	in := op.NewInput()
	if err := api.Decode(body, in); err != nil {
		return nil, key.Errorf(key.KindSerialization, "%v", err)
	}
	return h.do(r, id, caller, op, in)
}

// do has the gate answer.
func (h *Handler) do(r *http.Request, id string, caller identity.Caller, op service.Operation, in any) (any, error) {
	return h.Service.Do(r.Context(), service.Request{
		ID:        id,
		Caller:    caller,
		SourceIP:  host(r.RemoteAddr),
		UserAgent: r.UserAgent(),
		Secure:    r.TLS != nil,
		Operation: op,
		Input:     in,
	})
}

func (h *Handler) tellRefused(r *http.Request, body []byte, id string, err error) {
	if h.Refused == nil {
		return
	}
	if reason, ok := errors.AsType[*key.Error](err); ok {
		h.Refused(id, identity.Examine(r, body), reason)
	}
}

func readBody(r *http.Request) ([]byte, error) {
	// With room for what the request announces, and for the byte that is too many.
	b := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), MaxBody)+bytes.MinRead))
	_, err := b.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	body := b.Bytes()
	if err != nil {
		return nil, key.Errorf(key.KindSerialization, "The body of the request could not be read.").Because(err)
	}
	if len(body) > MaxBody {
		return nil, key.Errorf(key.KindSerialization, "The body of the request is larger than %d bytes.", MaxBody)
	}
	return body, nil
}

// operation finds the operation that the request is for.
func (h *Handler) operation(r *http.Request) (service.Operation, error) {
	unknown := key.Errorf(key.KindUnknownOperation, "The request names no operation of this service.")
	if r.Method != http.MethodPost || r.URL.Path != "/" || !isJSON11(r.Header.Get("Content-Type")) {
		return service.Operation{}, unknown
	}
	prefix, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	op, served := h.Service.Find(name)
	switch {
	case served && op.Target == prefix && prefix != api.TargetSTS:
		return op, nil
	case prefix == api.TargetKMS && api.Known(name):
		return service.Operation{}, key.Errorf(key.KindUnsupportedOperation, "%s is not supported.", name)
	}
	return service.Operation{}, unknown
}

// isJSON11 tells whether a media type is that of the protocol, with or without
// parameters.
func isJSON11(header string) bool {
	if header == contentType {
		return true
	}
	media, _, err := mime.ParseMediaType(header)
	return err == nil && media == contentType
}

func host(address string) string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return h
}

// refuse writes an error: to the caller what the API says of it, to the log the
// real cause.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, id string, err error) {
	refused := h.refusal(id, r.Header.Get("X-Amz-Target"), err)
	if !errors.Is(err, context.Canceled) { // or else nobody is there to read it
		writeError(w, refused)
	}
}

// refusal returns what a caller is told of an error, and logs the rest of it.
func (h *Handler) refusal(id, target string, err error) *key.Error {
	refused, ok := errors.AsType[*key.Error](err)
	if !ok {
		h.Log.Error("request failed", "request", id, "target", target, "error", err)
		return key.Errorf(kindInternal, "The request was rejected because of an internal error.")
	}
	if refused.Cause != nil {
		h.Log.Warn("request refused", "request", id, "target", target, "error", refused, "cause", refused.Cause)
	}
	return refused
}
