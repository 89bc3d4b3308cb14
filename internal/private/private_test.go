package private

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/health"
)

func checks(err error) *health.Checker {
	return health.New(health.Check{Name: "store", Check: func(context.Context) error { return err }})
}

func pages(c Config) http.Handler {
	c.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	return c.handler()
}

func TestPages(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "metrics") })
	gone := errors.New("the store is gone")
	for _, test := range []struct {
		config Config
		target string
		status int
		want   string
	}{
		{Config{Checks: checks(nil)}, "/livez", 200, "live\n"},
		{Config{Checks: checks(gone)}, "/livez", 200, "live\n"},
		{Config{Checks: checks(nil)}, "/readyz", 200, "ready\n"},
		{Config{Checks: checks(gone)}, "/readyz", 503, "not ready\n"},
		{Config{Checks: checks(gone)}, "/readyz?verbose", 503, "[-] store the store is gone\nnot ready\n"},
		{Config{Checks: checks(nil)}, "/readyz?verbose", 200, "[+] store ok\nready\n"},
		{Config{Checks: checks(gone)}, "/readyz?format=json", 503,
			`{"status":"not ready","checks":[{"name":"store","status":"not ready","reason":"the store is gone"}]}` + "\n"},
		{Config{Checks: checks(nil), Metrics: metrics}, "/metrics", 200, "metrics"},
		{Config{Checks: checks(nil)}, "/metrics", 404, ""},
		{Config{Checks: checks(nil)}, "/debug/pprof/", 404, ""},
		{Config{Checks: checks(nil), Pprof: true}, "/debug/pprof/goroutine?debug=1", 200, "goroutine profile"},
		{Config{Checks: checks(nil), Pprof: true}, "/debug/pprof/cmdline", 404, ""},
		{Config{Checks: checks(nil)}, "/", 404, ""},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:4600"+test.target, nil)
		w := httptest.NewRecorder()
		pages(test.config).ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: %d %q", test.target, w.Code, w.Body)
		}
	}
}

// A web page cannot read the pages through a name of its own.
func TestHosts(t *testing.T) {
	for host, want := range map[string]int{
		"127.0.0.1:4600": 200, "localhost": 200, "localhost:4600": 200, "[::1]:4600": 200, "127.0.0.2": 200,
		"attacker.example": 403, "attacker.example:4600": 403, "192.0.2.1:4600": 403, "localhost.attacker.example": 403, "": 403,
	} {
		r := httptest.NewRequest("GET", "http://x/livez", nil)
		r.Host = host
		w := httptest.NewRecorder()
		pages(Config{Checks: checks(nil)}).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d", host, w.Code)
		}
		w = httptest.NewRecorder()
		pages(Config{Checks: checks(nil), AnyHost: true}).ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%q with AnyHost: %d", host, w.Code)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:4600": "", "localhost:0": "", "[::1]:4600": "", "unix:/run/x.sock": "",
		"0.0.0.0:4600": ErrPublic.Error(), ":4600": ErrPublic.Error(), "192.0.2.1:1": ErrPublic.Error(),
		"metrics.example:1": ErrPublic.Error(), "4600": "write it as", "unix:x.sock": "must be absolute", "unix:": "must be absolute",
	} {
		err := Check(address)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// A Unix socket is closed to other users, replaces the socket of a process that died, and nothing else.
func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	dead.Close()
	l, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	s := New(Config{Checks: checks(nil), Log: slog.New(slog.DiscardHandler)})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", path)
	}}}
	answer, err := client.Get("http://any.example/livez")
	if err != nil || answer.StatusCode != 200 {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	if _, err := Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a second listener: %v", err)
	}
	if err := errors.Join(s.Close(), <-served); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen("unix:" + path); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("over a file: %v", err)
	}
}

// Strangers who hold all connections do not keep probes and scrapes out.
func TestStrangersHoldConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Checks: checks(nil), Log: slog.New(slog.DiscardHandler)})
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	for range maxConnections + 20 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	client := http.Client{Timeout: readTime / 4} // strangers have four times as long
	answer, err := client.Get("http://" + l.Addr().String() + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if err := errors.Join(s.Close(), <-served); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("status %d, %v", answer.StatusCode, err)
	}
}
