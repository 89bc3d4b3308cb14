package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store/local"
)

// A benchServer is a handler on a data folder, without a network.
type benchServer struct {
	http.Handler
	b *testing.B
}

func newBenchServer(b *testing.B) benchServer {
	b.Helper()
	dir := b.TempDir()
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	db, err := local.Open(filepath.Join(dir, "data"), local.Options{})
	check(err)
	slots, err := local.OpenSlots(filepath.Join(dir, "data"), nil)
	check(err)
	log, err := audit.Open(filepath.Join(dir, "audit.log"), audit.Options{})
	check(err)
	s, err := service.Open(b.Context(), service.Config{
		Backend: db, Slots: slots, Root: seal.NewEphemeralRoot(), Audit: log, Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler), Create: true,
	})
	check(err)
	b.Cleanup(func() {
		for _, c := range []interface{ Close() error }{log, s, slots, db} {
			check(c.Close())
		}
	})
	v := identity.NewVerifier(identity.Config{
		Lookup:  identity.Fixed(identity.AccessKey{ID: "test", Secret: identity.NewSecret("test"), Principal: identity.Root("111122223333")}),
		Regions: key.ValidRegion, Now: time.Now,
	})
	return benchServer{server.New(&server.Handler{Service: s, Verifier: v, Log: slog.New(slog.DiscardHandler)}).Handler, b}
}

// request returns a signed request and its body.
func (s benchServer) request(operation string, in map[string]any) (*http.Request, []byte) {
	s.b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	hash := sha256.Sum256(body)
	c := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	if err := v4.NewSigner().SignHTTP(s.b.Context(), c, r, hex.EncodeToString(hash[:]), "kms", "eu-west-2", time.Now()); err != nil {
		s.b.Fatal(err)
	}
	return r, body
}

// do sends a request again.
func (s benchServer) do(r *http.Request, body []byte) []byte {
	r = r.WithContext(s.b.Context())
	r.Body = http.NoBody
	r.Body = readCloser{bytes.NewReader(body)}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		s.b.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// BenchmarkDo is what a request costs beside its way through net/http.
func BenchmarkDo(b *testing.B) {
	s := newBenchServer(b)
	call := func(operation string, in map[string]any) (out map[string]any) {
		r, body := s.request(operation, in)
		if err := json.Unmarshal(s.do(r, body), &out); err != nil {
			b.Fatal(err)
		}
		return out
	}
	id := call("CreateKey", map[string]any{})["KeyMetadata"].(map[string]any)["KeyId"]
	context := map[string]string{"tenant": "t-0001", "aws:s3:arn": "arn:aws:s3:::" + strings.Repeat("o", 208)}
	plaintext := base64.StdEncoding.EncodeToString(make([]byte, 64))
	blob := call("Encrypt", map[string]any{"KeyId": id, "Plaintext": plaintext, "EncryptionContext": context})["CiphertextBlob"]
	for _, bench := range []struct {
		operation string
		in        map[string]any
	}{
		{"Decrypt", map[string]any{"CiphertextBlob": blob, "EncryptionContext": context}},
		{"Encrypt", map[string]any{"KeyId": id, "Plaintext": plaintext, "EncryptionContext": context}},
		{"GenerateDataKey", map[string]any{"KeyId": id, "KeySpec": "AES_256", "EncryptionContext": context}},
		{"DescribeKey", map[string]any{"KeyId": id}},
	} {
		b.Run(fmt.Sprint(bench.operation), func(b *testing.B) {
			r, body := s.request(bench.operation, bench.in)
			b.ReportAllocs()
			for b.Loop() {
				s.do(r, body)
			}
		})
	}
}
