package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/api"
)

// A server that sends without end is left, by requests of the KMS API and by others.
func TestAnswersAreBounded(t *testing.T) {
	sent := make(chan error, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	c, err := clientOptions{endpoint: server.URL, region: "us-east-1"}.connect(t.Context(), printer{io.Discard})
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
