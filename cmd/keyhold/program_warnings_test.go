package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestDiskThresholds(t *testing.T) {
	const mib = int64(1 << 20)
	o := expiryOptions{disk: []string{"256MiB", "1GiB", "1024MiB"}}
	for total, want := range map[int64][]int64{
		1 << 40: {1024 * mib, 256 * mib}, 5000 * mib: {500 * mib, 256 * mib}, 100 * mib: {10 * mib}, 0: {0},
	} {
		if got := o.lowOf(total); !slices.Equal(got, want) {
			t.Errorf("of %d MiB: %v", total/mib, got)
		}
	}
	for _, text := range []string{"", "1", "1GB", "-1GiB", "0MiB", "1.5GiB", "9999999999GiB", "none,1GiB"} {
		wrong := expiryOptions{disk: strings.Split(text, ",")}
		if err := wrong.check(); err == nil || !strings.Contains(err.Error(), "--disk-warnings: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, age := range []string{"0d", "soon", "-1d"} {
		wrong := expiryOptions{rootKeyAge: age}
		if err := wrong.check(); err == nil || !strings.Contains(err.Error(), "--root-key-age ") {
			t.Errorf("%q: %v", age, err)
		}
	}
	none := expiryOptions{disk: []string{"none"}, warnings: []string{"none"}, rootKeyAge: "none"}
	if age, err := none.maxAge(); age != 0 || err != nil || none.check() != nil || none.firstLow(1<<40) != 0 || none.longest() != 0 {
		t.Errorf("%v, %v, %v, %v", age, none.check(), none.firstLow(1<<40), none.longest())
	}
}

// A server warns of its certificate and its root key: by log, event, hook and metric, once. Status shows the same.
func TestServerWarnings(t *testing.T) {
	t.Parallel()
	f := initFolder(t, buildProgram(t), filepath.Join(t.TempDir(), "data"))
	dir := filepath.Dir(f.data)
	file := func(name string) string { return filepath.Join(dir, name) }
	out, err := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-days", "6", "-keyout", file("key.pem"), "-out", file("cert.pem"), "-subj", "/CN=keyhold", "-addext", "subjectAltName=IP:127.0.0.1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	hook := fmt.Sprintf("#!/bin/sh\n{ echo $KEYHOLD_EVENT; cat; echo; } >>%s\n", file("hooked"))
	if err := os.WriteFile(file("hook"), []byte(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	f.flags = []string{"--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"), "--root-key-age", "20d", "--expiry-hook", file("hook"),
		"--private-addr", "unix:" + file("private")}
	for start := range 2 {
		s := startServe(t, f)
		texts := map[string]func() string{
			"keyhold_warnings_total{subject=\"certificate\"} " + []string{"1", "0"}[start]: func() string { return getPrivate(t, file("private"), "/metrics") },
			"keyhold_warnings_total{subject=\"root-key\"} " + []string{"1", "0"}[start]:    func() string { return getPrivate(t, file("private"), "/metrics") },
			"CertificateExpiryWarning\n{\"subject\":\"certificate\"":                       func() string { return readText(file("hooked")) },
			"RootKeyAgeWarning\n{\"subject\":\"root-key\",\"name\":\"1\"":                  func() string { return readText(file("hooked")) },
			`"eventName":"CertificateExpiryWarning"`:                                       func() string { return readText(filepath.Join(f.data, "audit.log")) },
			`"eventName":"RootKeyAgeWarning"`:                                              func() string { return readText(filepath.Join(f.data, "audit.log")) },
			"keyhold_root_key_age_seconds ":                                                func() string { return getPrivate(t, file("private"), "/metrics") },
		}
		for want, read := range texts {
			awaitText(t, want, read)
		}
		if err := s.end(syscall.SIGTERM); err != nil {
			t.Errorf("%v\n%s", err, s.stderr)
		}
		for _, text := range []string{"the certificate ends in 5 days, at ", "the root key is 0 days old, and should be replaced by "} {
			if n := strings.Count(s.stderr.String(), text); n != 1-start {
				t.Errorf("start %d has %d lines of the log with %q:\n%s", start, n, text, s.stderr)
			}
		}
	}
	if n := strings.Count(readText(file("hooked")), "Warning\n"); n != 2 {
		t.Errorf("the hook was called %d times:\n%s", n, readText(file("hooked")))
	}
	if _, err := f.verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// startServe starts a server that must start.
func startServe(t *testing.T, f faultFolder) *faultServer {
	t.Helper()
	s, err := f.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func readText(path string) string {
	text, _ := os.ReadFile(path)
	return string(text)
}

// getPrivate reads a page of a private listener at a Unix socket, or returns an error as text.
func getPrivate(t *testing.T, socket, page string) string {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	c := http.Client{Transport: transport, Timeout: time.Minute}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+page, nil)
	if err != nil {
		return err.Error()
	}
	answer, err := c.Do(r)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

// awaitText waits until read returns a text that contains want.
func awaitText(t *testing.T, want string, read func() string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		text := read()
		if strings.Contains(text, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %q in:\n%s", want, text)
		}
	}
}
