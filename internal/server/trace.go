package server

import (
	"context"
	"net/http"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// A Trace begins the span of a request, whose client gave the values of traceparent and tracestate, or "".
type Trace func(traceparent, tracestate string) Span

// A Span is the span of a request. The handler calls End once.
type Span interface {
	measure.Span
	End(Outcome)
}

// An Outcome describes an answered request. Operation and Code have the names of metrics. Region is empty if the client
// gave no valid one.
type Outcome struct {
	Operation, Code, Region, RequestID string
	Status                             int // of HTTP
}

// answering returns the function that answers requests: with a span for each, if the Handler has a Trace.
func (h *Handler) answering() func(*request) response {
	if h.Trace == nil {
		return h.answer
	}
	return h.answerTraced
}

// answerTraced answers a request within a span. After a panic, the span has the status of an internal error.
func (h *Handler) answerTraced(r *request) (out response) {
	if r.asksReadiness() {
		return h.answer(r)
	}
	out.status = http.StatusInternalServerError
	r.span = h.Trace(r.Header.Get("traceparent"), r.Header.Get("tracestate"))
	defer func() {
		_, region := sigv4.UnverifiedSigner(&r.Request)
		if !key.ValidRegion(region) {
			region = ""
		}
		operation, code := h.Requests.Names(r.operation, r.code)
		r.span.End(Outcome{Operation: operation, Code: code, Region: region, RequestID: r.id, Status: out.status})
	}()
	return h.answer(r)
}

// context returns the context in which a request is carried out. It has the span of the request, if there is one.
func (r *request) context() context.Context {
	if r.span == nil {
		return context.Background()
	}
	return measure.WithSpan(context.Background(), r.span)
}
