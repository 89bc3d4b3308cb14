package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/api"
)

// A server that sends without end is left, by requests of the KMS API and by others, and also if it is recognised by its
// fingerprint.
func TestAnswersAreBounded(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testAnswersAreBounded(t, httptest.NewServer, "") })
	t.Run("pinned", func(t *testing.T) {
		server := httptest.NewTLSServer(nil)
		server.Close()
		testAnswersAreBounded(t, httptest.NewTLSServer, fingerprint(server.Certificate().Raw))
	})
}

func testAnswersAreBounded(t *testing.T, start func(http.Handler) *httptest.Server, pin string) {
	t.Helper()
	sent := make(chan error, 2)
	server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"Now":1,"Keys":["`)
		chunk := strings.Repeat("x", 1<<16)
		for range 1 << 14 { // 1 GiB
			if _, err := io.WriteString(w, chunk); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	c, err := clientOptions{endpoint: server.URL, region: "us-east-1", pin: pin}.connect(t.Context(), printer{io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	// The SDK sometimes closes a connection whose answer comes at once, and then it returns another error.
	if _, err := c.ListKeys(t.Context(), &kms.ListKeysInput{}); err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") &&
		!strings.Contains(err.Error(), "use of closed network connection") {
		t.Errorf("ListKeys: %v", err)
	}
	var clock api.ClockResponse
	if err := c.call(t.Context(), api.TargetDev, "ShowClock", &api.ShowClockRequest{}, &clock); err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") {
		t.Errorf("ShowClock: %v", err)
	}
	for range 2 {
		if err := <-sent; err == nil {
			t.Error("the client read everything")
		}
	}
}

// A server that repeats a marker is not asked without end.
func TestRepeatedMarkers(t *testing.T) {
	var asked int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked > 10 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		io.WriteString(w, `{"Keys":[],"Identities":[],"Events":[],"Log":{"Origin":"o","FirstIndex":0,"EndIndex":9,"VerifierKey":"k"},`+
			`"NotShown":0,"NextMarker":"again","Truncated":true}`)
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	c, err := clientOptions{endpoint: server.URL, region: "us-east-1"}.connect(t.Context(), printer{io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"ListKeySummaries": func() error { _, _, err := c.summaries(t.Context()); return err },
		"ListIdentities":   func() error { return c.eachIdentity(t.Context(), "user", nil, func(api.IdentityEntry) {}) },
		"QueryAudit":       func() error { return c.queryAudit(t.Context(), &api.QueryAuditRequest{}, io.Discard, io.Discard) },
		"ProveEvent":       func() error { _, _, err := c.proveEvent(t.Context(), "event"); return err },
	} {
		asked = 0
		if err := ask(); err == nil || !strings.Contains(err.Error(), "does not match the request") || asked != 2 {
			t.Errorf("%s: %d requests, %v", name, asked, err)
		}
	}
}

// A server that answers with ever new pages does not fill the memory of a command. A command that prints the pages and
// keeps none of them goes on.
func TestEverNewPages(t *testing.T) {
	asked := 0
	ends := int(1e9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		fmt.Fprintf(w, `{"Keys":[],"Aliases":[],"Identities":[],"Events":[],"Log":{"Origin":"o","FirstIndex":0,"EndIndex":9,`+
			`"VerifierKey":"k"},"NotShown":0,"NextMarker":"%d","Truncated":%v,"More":"%s"}`, asked, asked < ends, strings.Repeat("x", 10_000))
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	connect := func() *connection {
		c, err := clientOptions{endpoint: server.URL, region: "us-east-1", maxAnswers: 1 << 20}.connect(t.Context(), printer{io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, ask := range map[string]func(c *connection) error{
		"ListKeySummaries": func(c *connection) error { _, _, err := c.summaries(t.Context()); return err },
		"ListIdentities": func(c *connection) error {
			return c.eachIdentity(t.Context(), "user", nil, func(api.IdentityEntry) {})
		},
		"ListKeys":    func(c *connection) error { _, err := c.keys(t.Context()); return err },
		"ListAliases": func(c *connection) error { return c.eachAlias(t.Context(), func(string, string) {}) },
		"ProveEvent":  func(c *connection) error { _, _, err := c.proveEvent(t.Context(), "event"); return err },
	} {
		asked = 0
		// The SDK sometimes closes a connection whose answer comes at once, and then it returns another error.
		if err := ask(connect()); err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes in all") &&
			!strings.Contains(err.Error(), "use of closed network connection") || asked > 110 {
			t.Errorf("%s: %d requests, %v", name, asked, err)
		}
	}
	asked, ends = 0, 500
	err := connect().queryAudit(t.Context(), &api.QueryAuditRequest{}, io.Discard, io.Discard)
	if err != nil || asked != ends {
		t.Errorf("QueryAudit: %d requests, %v", asked, err)
	}
}
