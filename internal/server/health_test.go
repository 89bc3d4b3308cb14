package server_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
)

// A failingLog takes events until it is broken. It counts the events.
type failingLog struct {
	audit.Discard
	broken atomic.Bool
	events atomic.Int64
}

func (l *failingLog) Write(p []byte) (int, error) {
	if l.broken.Load() {
		return 0, errors.New("the disk of /secret/place is gone")
	}
	l.events.Add(int64(strings.Count(string(p), "\n")))
	return len(p), nil
}

// Load balancers ask without a signature whether the server is ready. The answer has nothing else, and no event is
// written.
func TestReadiness(t *testing.T) {
	log := &failingLog{}
	address := setup{events: log, breaks: true}.start(t)
	// HAProxy asks with HTTP/1.0 and without a host by default.
	asks := "GET /health/ready HTTP/1.1\r\nHost: 10.0.0.1:4599\r\nUser-Agent: kube-probe/1.34\r\n\r\n" +
		"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n" +
		"GET /health/ready HTTP/1.0\r\n\r\n"
	expect := func(status int, text string) {
		t.Helper()
		answers := sendRaw(t, address, asks)
		if len(answers) != 3 {
			t.Fatalf("%d answers", len(answers))
		}
		for i, a := range answers {
			body, _ := io.ReadAll(a.Body)
			if a.StatusCode != status || string(body) != text || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("answer %d: %s, %q, %v", i, a.Status, body, a.Header)
			}
		}
		head, err := http.Head("http://" + address + "/health/ready")
		if err != nil || head.StatusCode != status {
			t.Errorf("HEAD: %v, %v", head, err)
		}
	}
	expect(http.StatusOK, "ready\n")
	if n := log.events.Load(); n != 0 {
		t.Errorf("%d events", n)
	}
	for _, other := range []string{
		"POST /health/ready", "OPTIONS /health/ready", "GET /health", "GET /health/ready/", "GET /health/ready?verbose", "GET //health/ready",
		"GET /HEALTH/READY", "GET /",
	} {
		a := sendRaw(t, address, other+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		if len(a) != 1 || a[0].StatusCode < 400 {
			t.Errorf("%s: %v", other, a)
		}
	}
	page := sendRaw(t, address, "GET /health/ready HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n\r\n")
	if len(page) != 1 || page[0].StatusCode != http.StatusForbidden {
		t.Errorf("a web page: %v", page)
	}
	log.broken.Store(true)
	sendRaw(t, address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") // its event fails
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if a, err := http.Get("http://" + address + "/health/ready"); err == nil && a.StatusCode != http.StatusOK {
			break
		}
	}
	expect(http.StatusServiceUnavailable, "not ready\n")
}
