package witness

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/cosign"
)

func TestHTTP(t *testing.T) {
	l := testLog(t, "example.com/log", 1)
	server := httptest.NewServer(handler(open(t, t.TempDir(), l), func() time.Time { return noon }))
	defer server.Close()
	for _, step := range []struct {
		method, path string
		body         []byte
		status       int
		kind, want   string
	}{
		{"POST", "/add-checkpoint", l.Request(0, 10), 200, "text/plain; charset=utf-8", "— witness.example.com/one "},
		{"POST", "/add-checkpoint", l.Request(0, 12), 409, "text/x.tlog.size", "10\n"},
		{"POST", "/add-checkpoint", nil, 400, "text/plain; charset=utf-8", ""},
		{"POST", "/add-checkpoint", bytes.Repeat([]byte("x"), cosign.MaxRequest+1), 413, "text/plain; charset=utf-8", ""},
		{"GET", "/add-checkpoint", nil, 405, "text/plain; charset=utf-8", ""},
		{"POST", "/", nil, 404, "text/plain; charset=utf-8", ""},
	} {
		r, err := http.NewRequest(step.method, server.URL+step.path, bytes.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != step.status || answer.Header.Get("Content-Type") != step.kind ||
			!strings.HasPrefix(string(body), step.want) {
			t.Errorf("%s %s: %d %s %q, %v", step.method, step.path, answer.StatusCode, answer.Header.Get("Content-Type"), body, err)
		}
	}
}

// Strangers who hold all connections do not lock a log out of its witness.
func TestStrangersHoldConnections(t *testing.T) {
	l := testLog(t, "example.com/log", 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Server(open(t, t.TempDir(), l), func() time.Time { return noon })
	served := make(chan error, 1)
	go func() { served <- s.Serve(Limit(listener)) }()
	for range maxConnections + 20 {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	client := http.Client{Timeout: requestTime / 4} // strangers have twice as long for their headers
	answer, err := client.Post("http://"+listener.Addr().String()+"/add-checkpoint", "", bytes.NewReader(l.Request(0, 10)))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %d", answer.StatusCode)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-served
}
