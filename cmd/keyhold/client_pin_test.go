package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
)

func TestPins(t *testing.T) {
	a, b := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
	for text, want := range map[string][]string{
		"": nil, a: {a}, strings.ToUpper(a): {a}, a + ", " + b: {a, b}, strings.Repeat("A1:", 31) + "A1": {a},
	} {
		if got, err := (clientOptions{pin: text}).pins(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", a[1:], a + "00", a + ",", strings.Repeat(a+",", mostPins) + a} {
		if _, err := (clientOptions{pin: text}).pins(); err == nil || !strings.HasPrefix(err.Error(), "--pin-sha256: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	t.Setenv(pinVariable, b)
	if got, err := (clientOptions{}).pins(); err != nil || !slices.Equal(got, []string{b}) {
		t.Errorf("from the environment: %q, %v", got, err)
	}
	if got, err := (clientOptions{pin: a}).pins(); err != nil || !slices.Equal(got, []string{a}) {
		t.Errorf("the flag takes precedence: %q, %v", got, err)
	}
	t.Setenv(pinVariable, "x")
	if _, err := (clientOptions{}).pins(); err == nil || !strings.HasPrefix(err.Error(), pinVariable+": ") {
		t.Errorf("from the environment: %v", err)
	}
	if _, err := (clientOptions{pin: a}).pinned("http://127.0.0.1:4599"); err == nil || !strings.Contains(err.Error(), "is not an https endpoint") {
		t.Errorf("without TLS: %v", err)
	}
}

func TestVerifyPin(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	leaf := &x509.Certificate{Raw: []byte("leaf"), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
	other := &x509.Certificate{Raw: []byte("other"), NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter}
	pins := []string{fingerprint([]byte("former")), fingerprint(leaf.Raw)}
	for _, c := range []struct {
		chain []*x509.Certificate
		at    time.Time
		fault string
	}{
		{[]*x509.Certificate{leaf}, now, ""},
		{[]*x509.Certificate{leaf, other}, now, ""},
		{[]*x509.Certificate{other, leaf}, now, "not the pinned one: its SHA-256 fingerprint is " + fingerprint(other.Raw)},
		{nil, now, "shows no certificate"},
		{[]*x509.Certificate{leaf}, now.Add(2 * time.Hour), "the certificate ended at"},
		{[]*x509.Certificate{leaf}, now.Add(-2 * time.Hour), "the certificate begins at"},
	} {
		err := verifyPin(tls.ConnectionState{PeerCertificates: c.chain}, pins, c.at)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%d certificates at %v: %v", len(c.chain), c.at, err)
		}
	}
}

// keyhold init makes a certificate, whose fingerprint is all that a client needs. No request goes to another server.
func TestPinOfInit(t *testing.T) {
	program, dir := buildProgram(t), t.TempDir()
	run := func(words ...string) (string, int) {
		c := exec.CommandContext(t.Context(), program, words...)
		c.Dir = dir
		out, _ := c.CombinedOutput()
		return string(out), c.ProcessState.ExitCode()
	}
	if out, code := run("init", "--data", "data", "--tls-name", "not a name"); code != exitUsage || !strings.Contains(out, "--tls-name: ") {
		t.Errorf("exit code %d: %s", code, out)
	}
	out, code := run("init", "--data", "data", "--tls-name", "kms.example.org")
	found := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\n.*AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(out)
	print := regexp.MustCompile(`The certificate of kms.example.org has the SHA-256 fingerprint ([0-9a-f]{64})\.`).FindStringSubmatch(out)
	add := regexp.MustCompile(`To start the server with this certificate, add: (--tls-cert \S+ --tls-key \S+)\n`).FindStringSubmatch(out)
	if code != 0 || found == nil || print == nil || add == nil {
		t.Fatalf("exit code %d: %s", code, out)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", found[1])
	t.Setenv("AWS_SECRET_ACCESS_KEY", found[2])
	t.Setenv("AWS_REGION", "us-east-1")
	at := func(name string) string { return filepath.Join(dir, name) }
	if info, err := os.Stat(at("data.tls-key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	log := new(safeBuffer)
	words := strings.Fields(strings.ReplaceAll(add[1], "data.tls", at("data.tls")))
	s := startCommand(t, log, program, append([]string{"serve", "--data", at("data"), "--addr", "127.0.0.1:0"}, words...)...)
	for _, c := range []struct {
		pin  string
		want int
		text string
	}{
		{print[1], 0, "ready"},
		{strings.Repeat("ab", 32), exitFailed, "the certificate of the server is not the pinned one: its SHA-256 fingerprint is " + print[1]},
		{"ab", exitUsage, "is not a SHA-256 fingerprint"},
		{"", exitFailed, "AWS_CA_BUNDLE"},
	} {
		out, code := run("status", "--endpoint-url", s.endpoint, "--pin-sha256", c.pin)
		if code != c.want || !strings.Contains(out, c.text) {
			t.Errorf("pin %q: exit code %d:\n%s", c.pin, code, out)
		}
	}
	t.Setenv(pinVariable, print[1])
	if out, code := run("expiring", "--endpoint-url", s.endpoint); code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("recipients.txt"), []byte(identity.Recipient().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	backup := []string{"backup", "--to", "a.backup", "--recipients", "recipients.txt", "--endpoint-url", s.endpoint}
	if out, code := run(append(backup, "--pin-sha256", strings.Repeat("ab", 32))...); code != exitFailed || !strings.Contains(out, "is not the pinned one") {
		t.Errorf("a backup of another server: exit code %d:\n%s", code, out)
	}
	if out, code := run(backup...); code != 0 {
		t.Errorf("a backup: exit code %d:\n%s", code, out)
	}
	if err := s.End(syscall.SIGTERM); err != nil {
		t.Errorf("%v\n%s", err, log)
	}
}
