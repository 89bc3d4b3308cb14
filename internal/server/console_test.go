package server_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/console"
)

func newConsole(t *testing.T) *console.Site {
	t.Helper()
	site, err := console.New(console.Config{Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// requestIDs are what may differ between two equal answers.
var requestIDs = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// wireOf returns an answer as text, without what differs between equal answers.
func wireOf(t *testing.T, a *http.Response) string {
	t.Helper()
	a.Header.Del("Date")
	body, err := io.ReadAll(a.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // the answer to HEAD has no body
		t.Fatal(err)
	}
	return requestIDs.ReplaceAllString(fmt.Sprint(a.Status, a.Header, a.ContentLength, string(body)), "ID")
}

// A server with a console answers all other requests as a server without one.
func TestConsoleLeavesTheWireAlone(t *testing.T) {
	with, without := setup{console: newConsole(t)}.start(t), setup{}.start(t)
	for _, line := range []string{
		"GET /", "HEAD /", "OPTIONS /", "POST /", "PUT /", "GET /index.html", "GET /consoles/", "GET /Console/", "GET //console/",
		"GET /health/ready", "GET /favicon.ico", "GET /?Action=GetCallerIdentity", "GET /x/console/", "POST /x",
	} {
		text := line + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
		got, want := sendRaw(t, with, text), sendRaw(t, without, text)
		if len(got) != 1 || len(want) != 1 {
			t.Fatalf("%s: %d and %d answers", line, len(got), len(want))
		}
		if g, w := wireOf(t, got[0]), wireOf(t, want[0]); g != w {
			t.Errorf("%s\nwith a console: %s\nwithout: %s", line, g, w)
		}
	}
	// Without a console, its path is a path as any other.
	a := sendRaw(t, without, "GET /console/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if len(a) != 1 || a[0].StatusCode != http.StatusBadRequest {
		t.Errorf("without a console: %v", a)
	}
}

// The console is served only under the names of the server, also to requests without the fields of browsers, and no
// request for it is an event.
func TestConsoleHosts(t *testing.T) {
	log := &failingLog{}
	address := setup{console: newConsole(t), events: log}.start(t)
	for _, c := range []struct {
		host, fields string
		status       int
	}{
		{"localhost:4599", "", 200},
		{"127.0.0.1:4599", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 200},
		{"[::1]:4599", "", 200},
		{"evil.example", "", 403},
		{"localhost.evil.example", "", 403},
		{"evil.example", "Sec-Fetch-Site: same-origin\r\n", 403},
		{"localhost", "Origin: https://evil.example\r\n", 403},
		{"localhost", "Origin: null\r\n", 403},
	} {
		a := sendRaw(t, address, "GET /console/ HTTP/1.1\r\nHost: "+c.host+"\r\n"+c.fields+"Connection: close\r\n\r\n")
		if len(a) != 1 || a[0].StatusCode != c.status {
			t.Errorf("%s, %q: %v", c.host, c.fields, a)
		}
	}
	if n := log.events.Load(); n != 0 {
		t.Errorf("%d events", n)
	}
}

// Two clients at once get the same file, which a response does not clear.
func TestConsoleFilesAreKept(t *testing.T) {
	address := setup{console: newConsole(t)}.start(t)
	for range 3 {
		a, err := http.Get("http://" + address + "/console/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(a.Body)
		a.Body.Close()
		if err != nil || !strings.Contains(string(body), `/app.js"></script>`) || a.Header.Get("Content-Security-Policy") == "" {
			t.Fatalf("%v, %v, %q", err, a.Header, body)
		}
		head, err := http.Head("http://" + address + "/console/app.js")
		if err != nil || head.StatusCode != http.StatusOK || head.ContentLength <= 0 {
			t.Fatal(head, err)
		}
	}
}
