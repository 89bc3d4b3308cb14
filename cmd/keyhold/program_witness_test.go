package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/logtest"
	"github.com/keyhold/keyhold/internal/programtest"
)

// A witness over TLS that is killed knows its last cosignature, and its key signs.
func TestWitnessProgram(t *testing.T) {
	t.Parallel()
	program, dir := buildProgram(t), t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	a := newTestAuthority(t, "the authority", nil)
	writeCertificate(t, a.server(t, "127.0.0.1"), file("cert.pem"), file("key.pem"))
	l := logtest.New(t, "keyhold/deployment/node", 1).Add("a", "b", "c", "d")
	if err := os.WriteFile(file("logs"), []byte(l.Key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"witness", "--data", file("witness"), "--logs", file("logs"), "--addr", "127.0.0.1:0",
		"--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--name", "witness.example.com/one"}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	post := func(p *witnessProgram, body []byte) (int, []byte) {
		t.Helper()
		answer, err := client.Post(p.endpoint+"/add-checkpoint", "", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, text
	}
	p := startWitness(t, program, args...)
	status, line := post(p, l.Request(0, 2))
	v, err := cosign.ParseVerifier(p.key)
	if err != nil || status != 200 {
		t.Fatal(status, p.key, err)
	}
	if _, _, err := cosign.Open(append(l.Checkpoint(2), line...), v); err != nil {
		t.Error(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("another witness runs on")) {
		t.Errorf("a second process: %v\n%s", err, out)
	}
	p.kill(t)
	p = startWitness(t, program, args...)
	if p.key != v.String() {
		t.Error("another key after the kill")
	}
	if status, text := post(p, l.Request(0, 4)); status != 409 || string(text) != "2\n" {
		t.Errorf("after the kill: %d %q", status, text)
	}
	if status, _ := post(p, l.Request(2, 4)); status != 200 {
		t.Errorf("the next checkpoint: %d", status)
	}
	if err := p.End(syscall.SIGTERM); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	other := append(args[:len(args)-1:len(args)-1], "another-name")
	if out, err := exec.CommandContext(t.Context(), program, other...).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("has the name witness.example.com/one, not another-name")) {
		t.Errorf("another name: %v\n%s", err, out)
	}
}

func writeCertificate(t *testing.T, cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A witnessProgram is a witness in a process of its own.
type witnessProgram struct {
	*program
	key string
}

var verifierKeyLine = regexp.MustCompile(`  verifier key  (\S+)\n`)

func startWitness(t *testing.T, path string, args ...string) *witnessProgram {
	t.Helper()
	var out safeBuffer
	c := exec.Command(path, args...)
	c.Stdout, c.Stderr = &out, os.Stderr
	s, err := programtest.Start(t.Context(), c)
	if err != nil {
		t.Fatalf("the witness did not start: %v", err)
	}
	t.Cleanup(func() { _ = s.End(os.Kill) }) // reports that it was killed, unless it had ended
	key := verifierKeyLine.FindStringSubmatch(out.String())
	if key == nil {
		t.Fatalf("no verifier key: %s", out.String())
	}
	return &witnessProgram{&program{s, s.Endpoint}, key[1]}
}

// The command line of a witness is checked before anything is made.
func TestWitnessUsage(t *testing.T) {
	dir := t.TempDir()
	logs, broken := filepath.Join(dir, "logs"), filepath.Join(dir, "broken")
	for path, text := range map[string]string{logs: "", broken: "example.com/log\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	for want, args := range map[string][]string{
		"--data: name the folder":                     {"--logs", logs},
		"--logs: name the file":                       {"--data", data},
		"no such file":                                {"--data", data, "--logs", logs + "x", "--name", "w"},
		"line 1: \"example.com/log\" is not the":      {"--data", data, "--logs", broken, "--name", "w"},
		"give --name to make a new witness":           {"--data", data, "--logs", logs},
		`"a b" is not a name for a witness`:           {"--data", data, "--logs", logs, "--name", "a b"},
		"is not on the loopback interface":            {"--data", data, "--logs", logs, "--name", "w", "--addr", "0.0.0.0:0"},
		"--tls-cert and --tls-key belong together":    {"--data", data, "--logs", logs, "--name", "w", "--tls-cert", "x"},
		"--addr: address nothing: missing port in ad": {"--data", data, "--logs", logs, "--name", "w", "--addr", "nothing"},
	} {
		c := witnessCommand()
		c.SetArgs(args)
		c.SetOut(io.Discard)
		c.SetErr(io.Discard)
		c.SilenceErrors, c.SilenceUsage = true, true
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%v: the folder was made", args)
		}
	}
}
