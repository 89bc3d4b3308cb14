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
	h.Trace = func(string, string) Span { return nil }
	if plain != without || plain == reflect.ValueOf(h.answering()).Pointer() {
		t.Error("a handler without a Trace looks for one in each request")
	}
}

// A span ends after a panic too, as an internal error. Questions for readiness have no span.
func TestTraceOfPanic(t *testing.T) {
	var ended []Outcome
	var parents []string
	h := &Handler{Requests: measure.NewRequests([]string{"Decrypt"}, nil), Trace: func(parent, state string) Span {
		parents = append(parents, parent, state)
		return endedSpan(func(o Outcome) { ended = append(ended, o) })
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

// An endedSpan is called when it ends.
type endedSpan func(Outcome)

func (s endedSpan) Begin(string) func(error) { return nil }
func (s endedSpan) End(o Outcome)            { s(o) }

// The context of a request has its span. Without one, nothing is allocated.
func TestContextOfRequest(t *testing.T) {
	r := &request{}
	if n := testing.AllocsPerRun(1000, func() { measure.Begin(r.context(), "part")(nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	begun := 0
	r.span = partSpan(func() { begun++ })
	measure.Begin(r.context(), "part")(nil)
	if begun != 1 {
		t.Errorf("%d parts were begun", begun)
	}
}

// A partSpan is called when a part of it begins.
type partSpan func()

func (s partSpan) Begin(string) func(error) {
	s()
	return func(error) {}
}

func (s partSpan) End(Outcome) {}
