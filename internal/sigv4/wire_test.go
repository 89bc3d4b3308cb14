package sigv4

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/identity"
)

// A wireRequest is a request as a server reads it from a connection.
type wireRequest struct {
	request *Request
	body    []byte
}

// parseWire parses the bytes of a request with the HTTP library of the server. ok is false if the server would
// refuse them.
func parseWire(b []byte) (r wireRequest, ok bool) {
	var parsed fasthttp.Request
	if err := parsed.ReadLimitBody(bufio.NewReaderSize(bytes.NewReader(b), 16<<10), 128<<10); err != nil {
		return wireRequest{}, false
	}
	return fromFasthttp(&parsed)
}

func fromFasthttp(r *fasthttp.Request) (w wireRequest, ok bool) {
	h, ok := ParseHeader(r.Header.RawHeaders(), 100)
	return wireRequest{&Request{string(r.Header.Method()), string(r.Header.RequestURI()), h}, r.Body()}, ok
}

// A result is what Verify returned for a request.
type result struct {
	caller identity.Caller
	err    error
}

// serve starts a server that verifies each request. It returns the URL of the server and the result for each request.
func serve(t *testing.T, v *Verifier) (url string, results <-chan result) {
	t.Helper()
	verified := make(chan result, 1)
	s := &fasthttp.Server{Handler: func(c *fasthttp.RequestCtx) {
		r, ok := fromFasthttp(&c.Request)
		if !ok {
			t.Error("the header is refused")
		}
		caller, err := v.Verify(t.Context(), r.request, r.body, "kms")
		verified <- result{caller, err}
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { l.Close() })
	return "http://" + l.Addr().String(), verified
}

// send sends a request to a server and returns the result.
func send(t *testing.T, results <-chan result, r *http.Request) result {
	t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return <-results
}
