package server

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// Without a Trace, a request takes the way that it took before there were spans.
func TestNoTrace(t *testing.T) {
	h := &Handler{}
	plain, without := reflect.ValueOf(h.answer).Pointer(), reflect.ValueOf(h.answering()).Pointer()
	h.Trace = func(string, string) func(Outcome) { return nil }
	if plain != without || plain == reflect.ValueOf(h.answering()).Pointer() {
		t.Error("a handler without a Trace looks for one in each request")
	}
}

// A span ends after a panic too, as an internal error. Questions for readiness have no span.
func TestTraceOfPanic(t *testing.T) {
	var ended []Outcome
	var parents []string
	h := &Handler{Requests: measure.NewRequests([]string{"Decrypt"}, nil), Trace: func(parent, state string) func(Outcome) {
		parents = append(parents, parent, state)
		return func(o Outcome) { ended = append(ended, o) }
	}}
	r := &request{id: "id", operation: 1, Request: sigv4.Request{Method: http.MethodPost, Target: "/", Header: sigv4.Header{
		{Name: "traceparent", Value: "p"}, {Name: "tracestate", Value: "s"},
		{Name: "authorization", Value: "AWS4-HMAC-SHA256 Credential=a/20300101/not a region/kms/aws4_request, SignedHeaders=host, Signature=00"},
	}}}
	answer := func(r *request) {
		defer func() {
			if recover() == nil {
				t.Error("the handler without a service did not panic")
			}
		}()
		h.answerTraced(r)
	}
	answer(r)
	if want := []Outcome{{Operation: "Decrypt", Code: measure.OtherName, RequestID: "id", Status: 500}}; !reflect.DeepEqual(ended, want) {
		t.Errorf("%+v", ended)
	}
	if want := []string{"p", "s"}; !reflect.DeepEqual(parents, want) {
		t.Errorf("%q", parents)
	}
	answer(&request{Request: sigv4.Request{Method: http.MethodGet, Target: readyPath}})
	if len(ended) != 1 {
		t.Errorf("a question for readiness has a span: %+v", ended)
	}
}
