package forward

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A sink collects what receivers got.
type sink struct {
	mu   sync.Mutex
	got  []string
	seen map[string]bool
}

func (s *sink) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.got, s.seen[line] = append(s.got, line), true
}

func (s *sink) await(t *testing.T, n int) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		seen := len(s.seen)
		s.mu.Unlock()
		if seen >= n {
			return
		}
	}
	t.Fatalf("the receiver has %d of %d lines", len(s.seen), n)
}

// forwardTo forwards n lines with short pauses until the sink has them.
func forwardTo(t *testing.T, target Target, s *sink, n int) {
	t.Helper()
	g := &growing{}
	g.add(n)
	f, err := New(t.Context(), config(t, g, target, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	f.pace = pace{look: 5 * time.Millisecond, settle: 200 * time.Millisecond, pause: 5 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { f.Run(ctx) })
	defer all.Wait()
	defer cancel()
	s.await(t, n)
}

func serveConns(t *testing.T, l net.Listener, each func(net.Conn)) {
	t.Helper()
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				each(c)
			}()
		}
	}()
}

// testTLS returns the configurations of a server and of its clients.
func testTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: roots}
}

var syslogMessage = regexp.MustCompile(`^<110>1 2026-11-30T12:00:00\.\d{3}Z node-1 keyhold \d+ audit - (\{.*\})$`)

// A syslog server over TLS that closes connections after some messages gets all lines.
func TestSyslog(t *testing.T) {
	server, client := testTLS(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	var s sink
	var conns atomic.Int64
	serveConns(t, l, func(c net.Conn) {
		r := bufio.NewReader(c)
		for range 1700 * conns.Add(1) {
			message, err := readSyslog(r)
			if err != nil {
				return
			}
			m := syslogMessage.FindStringSubmatch(message)
			if m == nil {
				t.Errorf("not a message: %q", message)
				return
			}
			s.add(m[1])
		}
	})
	target, err := Parse("syslog+tls://"+l.Addr().String(), Options{TLS: client, Host: "node-1"})
	if err != nil {
		t.Fatal(err)
	}
	forwardTo(t, target, &s, 5000)
	stranger, err := Parse("syslog+tls://"+l.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Send(t.Context(), []Line{{0, []byte("x")}}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("with an unknown authority: %v", err)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var s sink
	var conns atomic.Int64
	serveConns(t, l, func(c net.Conn) {
		lines := bufio.NewScanner(c)
		for range 1700 * conns.Add(1) {
			if !lines.Scan() {
				return
			}
			s.add(lines.Text())
		}
	})
	target, err := Parse("unix:"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	forwardTo(t, target, &s, 5000)
}

// An HTTPS server that answers with errors, and that keeps batches without answering, gets all lines.
func TestHTTPS(t *testing.T) {
	var s sink
	requests := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		requests++
		if r.Header.Get("Content-Type") != "application/x-ndjson" || r.Header.Get("Authorization") != "Bearer hunter2" || r.Method != "POST" {
			t.Errorf("%s with %v", r.Method, r.Header)
		}
		lines := bufio.NewScanner(r.Body)
		for i := 0; lines.Scan(); i++ {
			if i == 0 && !strings.Contains(lines.Text(), fmt.Sprintf(`"eventID":"%s"`, r.Header.Get("Keyhold-First-Index"))) {
				t.Errorf("index %s: %s", r.Header.Get("Keyhold-First-Index"), lines.Text())
			}
			if requests%5 == 1 {
				break
			}
			s.add(lines.Text())
		}
		switch requests % 5 {
		case 1:
			out.WriteHeader(503)
		case 2:
			panic(http.ErrAbortHandler)
		case 3:
			http.Redirect(out, r, "/x", http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	target, err := Parse(server.URL+"/collect?key=hunter3", Options{TLS: &tls.Config{RootCAs: roots}, Token: "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	forwardTo(t, target, &s, 5000)
	if !target.Acknowledges() || target.String() != server.URL+"/collect" {
		t.Error(target)
	}
	server.Close()
	err = target.Send(t.Context(), []Line{{0, []byte("x")}})
	if err == nil || strings.Contains(err.Error(), "hunter") {
		t.Errorf("an error with a secret: %v", err)
	}
}

// A receiver that reads nothing is given up when the time of a batch is over.
func TestReceiverHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	defer close(hang)
	serveConns(t, l, func(net.Conn) { <-hang })
	target, err := Parse("syslog+tcp://"+l.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for err == nil {
		err = target.Send(ctx, []Line{{0, make([]byte, 4<<20)}})
	}
}

// The end of an idle connection is noticed without a line to send.
func TestIdleConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveConns(t, l, func(c net.Conn) { readSyslog(bufio.NewReader(c)) })
	target, err := Parse("syslog+tcp://"+l.Addr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if err := target.Send(t.Context(), nil); err != nil {
		t.Errorf("before the first line: %v", err)
	}
	if err := target.Send(t.Context(), []Line{{0, []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); err == nil && time.Since(begun) < time.Minute; time.Sleep(time.Millisecond) {
		err = target.Send(t.Context(), nil)
	}
	if err == nil {
		t.Error("the end was not noticed")
	}
}

func TestSyslogFrame(t *testing.T) {
	long := strings.Repeat("x", 300)
	for host, want := range map[string]string{"node-1": "node-1", "": "-", "a b\nü": "ab", long: long[:maxHost]} {
		got := string(syslogFrame(host)(nil, []byte(`{"eventTime":"2026-11-30T12:00:00.123Z"}`)))
		length, message, _ := strings.Cut(got, " ")
		if fmt.Sprint(len(message)) != length || !strings.HasPrefix(message, "<110>1 2026-11-30T12:00:00.123Z "+want+" keyhold ") {
			t.Errorf("%q", got)
		}
	}
	for _, line := range []string{"", "{}", `{"eventTime":"x y"}`, `{"eventTime":"`, `{"eventTime":"` + long} {
		if got := string(syslogFrame("h")(nil, []byte(line))); !strings.Contains(got, "<110>1 - h keyhold ") {
			t.Errorf("%q", got)
		}
	}
}

func TestParse(t *testing.T) {
	for _, text := range []string{
		"syslog+tls://logs.example.com", "syslog+tls://logs.example.com:1", "syslog+tls://[::1]:6514", "syslog+tcp://127.0.0.1:514", "unix:/run/x", "https://x/y?z", "http://localhost:1/",
	} {
		if target, err := Parse(text, Options{}); err != nil || !strings.HasPrefix(text, target.String()) {
			t.Errorf("%s: %v, %v", text, target, err)
		}
	}
	for _, text := range []string{
		"", "logs", "syslog://x", "syslog+tcp://logs.example.com:514", "syslog+tcp://127.0.0.1", "syslog+tls://x/y", "unix:", "unix:x", "http://x/", "https://", "https://a:hunter2@x", "https://x#y",
		"htps://x/?token=hunter2", "https://%zz/?token=hunter2", "https:/x?token=hunter2",
	} {
		if target, err := Parse(text, Options{}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, %v", text, target, err)
		}
	}
	target, err := Parse("syslog+tls://logs.example.com", Options{})
	if s, ok := target.(*stream); err != nil || !ok || s.address != "logs.example.com:6514" || s.tls.ServerName != "logs.example.com" {
		t.Errorf("%+v", target)
	}
}
