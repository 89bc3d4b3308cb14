package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A server sends spans to the collector that the environment names, with nothing that a client sent in a body. A server
// without the environment sends none.
func TestTraces(t *testing.T) {
	var mu sync.Mutex
	var got bytes.Buffer
	c := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		io.Copy(&got, r.Body)
	}))
	defer c.Close()
	f := initFolder(t, buildProgram(t), filepath.Join(t.TempDir(), "data"))
	use := func() {
		s := startServe(t, f)
		for _, in := range []map[string]any{
			{"KeyId": "alias/no-such-key-of-tests", "Plaintext": []byte("plaintext-of-tests"), "EncryptionContext": map[string]string{"purpose-of-tests": "value-of-tests"}},
			{"KeyId": strings.Repeat("x", 3000)},
		} {
			if _, err := s.call(t.Context(), "Encrypt", in); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.call(t.Context(), "CreateKey", map[string]any{"Description": "description-of-tests"}); err != nil {
			t.Fatal(err)
		}
		if err := s.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	use()
	if got.Len() > 0 {
		t.Errorf("a server without the variables sent %d bytes", got.Len())
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	use()
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"Encrypt", "NotFoundException", "ValidationException", "us-east-1", "keyhold", "CreateKey", "store.commit", "store.slot"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("the spans do not have %s", want)
		}
	}
	for _, secret := range []string{"of-tests", "AKIA", "plaintext", f.credentials.SecretAccessKey} {
		if strings.Contains(got.String(), secret) {
			t.Errorf("the spans have %q", secret)
		}
	}
	t.Setenv("OTEL_TRACES_SAMPLER", "sometimes")
	if s, err := f.serve(t); err == nil || !strings.Contains(err.Error(), `OTEL_TRACES_SAMPLER in the environment: "sometimes" is not a sampler`) {
		t.Errorf("with a sampler that does not exist: %v", err)
		s.end(syscall.SIGKILL)
	}
}
