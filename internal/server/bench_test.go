package server

import (
	"bufio"
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
	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
	"github.com/keyhold/keyhold/internal/store/local"
)

// A benchServer is a server with a data folder and without a network.
type benchServer struct {
	*Server
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
	v := sigv4.NewVerifier(sigv4.Config{
		Lookup:  identity.Fixed(identity.AccessKey{ID: "test", Secret: identity.NewSecret("test"), Principal: identity.Root("111122223333")}),
		Regions: key.ValidRegion, Now: time.Now,
	})
	return benchServer{New(&Handler{Service: s, Verifier: v, Log: slog.New(slog.DiscardHandler)}, conns.Config{}), b}
}

// request returns a signed request.
func (s benchServer) request(operation string, in map[string]any) *fasthttp.Request {
	s.b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.b.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	hash := sha256.Sum256(body)
	c := aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}
	if err := v4.NewSigner().SignHTTP(s.b.Context(), c, r, hex.EncodeToString(hash[:]), "kms", "eu-west-2", time.Now()); err != nil {
		s.b.Fatal(err)
	}
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		s.b.Fatal(err)
	}
	parsed := new(fasthttp.Request)
	if err := parsed.Read(bufio.NewReader(&wire)); err != nil {
		s.b.Fatal(err)
	}
	return parsed
}

// do answers a request. It can be called again with the same request.
func (s benchServer) do(r *fasthttp.Request, body []byte) []byte {
	var c fasthttp.RequestCtx
	c.Init(r, nil, nil)
	c.Request.SetBody(body) // the previous call cleared it
	s.exchange(&c)
	if c.Response.StatusCode() != http.StatusOK {
		s.b.Fatalf("%d %s", c.Response.StatusCode(), c.Response.Body())
	}
	return c.Response.Body()
}

// BenchmarkDo measures a request without its way through the network.
func BenchmarkDo(b *testing.B) {
	s := newBenchServer(b)
	call := func(operation string, in map[string]any) (out map[string]any) {
		r := s.request(operation, in)
		if err := json.Unmarshal(s.do(r, bytes.Clone(r.Body())), &out); err != nil {
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
			r := s.request(bench.operation, bench.in)
			body := bytes.Clone(r.Body())
			b.ReportAllocs()
			for b.Loop() {
				s.do(r, body)
			}
		})
	}
}
