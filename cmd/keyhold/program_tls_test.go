package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// TestTLS serves with a certificate of OpenSSL to clients with and without HTTP/2, and ends the
// server in order with SIGTERM.
func TestTLS(t *testing.T) {
	t.Parallel()
	program, dir := buildProgram(t), t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
		"-keyout", file("key.pem"), "-out", file("cert.pem"), "-subj", "/CN=keyhold", "-addext", "subjectAltName=IP:127.0.0.1")
	made := run(program, "init", "--data", file("data"))
	keys := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\n.*AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(made)
	if keys == nil {
		t.Fatal(made)
	}
	var stderr bytes.Buffer
	p := startCommand(t, &stderr, program, "serve", "--data", file("data"), "--addr", "127.0.0.1:0", "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"))
	if !strings.HasPrefix(p.endpoint, "https://") {
		t.Fatal(p.endpoint)
	}
	pem, err := os.ReadFile(file("cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, http2 := range []bool{false, true} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2}
		c := kms.New(kms.Options{
			BaseEndpoint: aws.String(p.endpoint), Region: "us-east-1", HTTPClient: &http.Client{Transport: transport},
			Credentials: credentials.NewStaticCredentialsProvider(keys[1], keys[2], ""),
		})
		if _, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
			t.Errorf("HTTP/2 %v: %v", http2, err)
		}
		transport.CloseIdleConnections()
	}
	old := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}}
	if _, err := (&http.Client{Transport: old}).Get(p.endpoint); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	if err := p.End(syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, &stderr)
	}
}
