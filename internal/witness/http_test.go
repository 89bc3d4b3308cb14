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

// A listener gives the place of a closed connection to the next, and no more places than it has.
func TestLimit(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &limited{inner, make(chan struct{}, 1)}
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	for range 2 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first := <-accepted
	select {
	case <-accepted:
		t.Error("two connections have one place")
	default:
	}
	if len(l.places) != 1 {
		t.Errorf("%d places are taken", len(l.places))
	}
	first.Close()
	first.Close()
	(<-accepted).Close()
}
