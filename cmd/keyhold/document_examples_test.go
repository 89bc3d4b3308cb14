package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/programtest"
)

// debianAWS is the AWS CLI that the examples are written for, at this path whatever PATH says.
const debianAWS = "/usr/bin/aws"

// TestExamples runs each script of examples against the real program. A second run uses a server
// that answers one operation without doing it; the script must notice.
func TestExamples(t *testing.T) {
	t.Parallel()
	python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
	needTool(t, debianAWS, "--version")
	needTool(t, "openssl", "version")
	needTool(t, python, "-c", "import boto3, cryptography")
	needNamespace(t)
	path := buildProgram(t)
	keyhold := "KEYHOLD=" + path
	for _, example := range []struct {
		name         string
		script       []string
		falseAnswers []falseAnswer
	}{
		{"aws cli", []string{"bash", "../../examples/import-with-aws-cli.sh"}, []falseAnswer{deletesNothing}},
		{"boto3", []string{python, "../../examples/import_with_boto3.py"}, []falseAnswer{deletesNothing}},
		{"one command", []string{"env", keyhold, "bash", "../../examples/one-command-import.sh"}, []falseAnswer{deletesNothing, importsNothing}},
		{"private keys", []string{"bash", "../../examples/import-private-keys.sh"}, []falseAnswer{importsNoKey, wrongMAC}},
		{"identities", []string{"env", keyhold, "PYTHON=" + python, "bash", "../../examples/identities.sh"}, []falseAnswer{retiresNothing}},
		{"air-gapped", []string{"env", keyhold, "bash", "../../examples/air-gapped-import.sh"}, []falseAnswer{importsNothing}},
	} {
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			out, err := runExample(t, append(slices.Clone(example.script), startDev(t, path))...)
			if err != nil || !strings.HasSuffix(out, "\nok\n") {
				t.Errorf("%v\n%s", err, out)
			}
		})
		for _, answer := range example.falseAnswers {
			t.Run(example.name+" notices "+answer.operation, func(t *testing.T) {
				t.Parallel()
				out, err := runExample(t, append(slices.Clone(example.script), startFalse(t, startDev(t, path), answer))...)
				if err == nil || !strings.Contains(out, answer.notice) {
					t.Errorf("expected a failure with %q, got %v\n%s", answer.notice, err, out)
				}
			})
		}
	}
}

// A falseAnswer is a response to an operation that the server did not carry out, and the text that
// an example prints when it notices.
type falseAnswer struct{ operation, answer, notice string }

var (
	deletesNothing = falseAnswer{"DeleteImportedKeyMaterial", "{}", "the key should be PendingImport, and is Enabled"}
	importsNothing = falseAnswer{"ImportKeyMaterial", `{"KeyMaterialId":"0000"}`, "the import was accepted, but not proved"}

	retiresNothing = falseAnswer{"RetireGrant", "{}", "carol should be refused"}

	importsNoKey = falseAnswer{"ImportKeyMaterial", "{}", "(KMSInvalidStateException)"}
	wrongMAC     = falseAnswer{"GenerateMac", `{"Mac":"AAAA"}`, "the server computes another MAC"}
)

// needNamespace fails the test if it cannot make a network namespace. Without a namespace, the
// example for a machine without network would prove nothing.
func needNamespace(t *testing.T) {
	t.Helper()
	command := []string{"unshare", "--net", "true"}
	if os.Getuid() != 0 {
		command = []string{"unshare", "--map-root-user", "--net", "true"}
	}
	if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: a namespace without network cannot be made here: run the tests as root, or allow user namespaces.\n%s", strings.Join(command, " "), err, out)
	}
}

// TestExitAndReturn runs the example in which a server is lost. A second run uses a program that
// does not recreate the key; the example must notice.
func TestExitAndReturn(t *testing.T) {
	t.Parallel()
	python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
	needTool(t, debianAWS, "--version")
	needTool(t, python, "-c", "import cryptography")
	script := []string{"env", "PYTHON=" + python, "bash", "../../examples/exit-and-return.sh"}
	path := buildProgram(t)
	t.Run("works", func(t *testing.T) {
		t.Parallel()
		out, err := runExample(t, append(slices.Clone(script), path)...)
		if err != nil || !strings.HasSuffix(out, "\nok\n") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("notices", func(t *testing.T) {
		t.Parallel()
		idle := filepath.Join(t.TempDir(), "idle")
		text := fmt.Sprintf("#!/bin/sh\n[ $1 = key ] || exec '%s' \"$@\"\n", path)
		if err := os.WriteFile(idle, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := runExample(t, append(slices.Clone(script), idle)...)
		if want := "(NotFoundException)"; err == nil || !strings.Contains(out, want) {
			t.Errorf("expected a failure with %q, got %v\n%s", want, err, out)
		}
	})
}

// TestDemo runs the program of make demo. A second run uses a program whose clock does not move; the
// demo must notice.
func TestDemo(t *testing.T) {
	t.Parallel()
	path := buildProgram(t)
	demo := programtest.Build(t, "../..", "./examples/first-import")
	t.Run("works", func(t *testing.T) {
		t.Parallel()
		out, err := runExample(t, demo, "-keyhold", path)
		if want := path + " clock advance 2160h --endpoint-url http://127.0.0.1:4599\n"; err != nil || !strings.HasSuffix(out, want) {
			t.Errorf("%v\n%s", err, out)
		}
		if n := strings.Count(out, "\n"); n >= 60 {
			t.Errorf("the demo prints %d lines, want fewer than 60", n)
		}
		for _, missing := range notPrinted(demoLines(t), out) {
			t.Errorf("README.md shows a line that the demo does not print at this place: %s", missing)
		}
	})
	t.Run("notices", func(t *testing.T) {
		t.Parallel()
		stopped := filepath.Join(t.TempDir(), "stopped")
		script := fmt.Sprintf("#!/bin/sh\n[ $1 = clock ] || exec '%s' \"$@\"\n", path)
		if err := os.WriteFile(stopped, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		out, err := runExample(t, demo, "-keyhold", stopped)
		if want := "the state: expected PendingImport, got Enabled"; err == nil || !strings.Contains(out, want) {
			t.Errorf("expected a failure with %q, got %v\n%s", want, err, out)
		}
	})
}

// TestPlainAWSCLIAfterClock checks that the two clocks are apart. Keys follow the clock that was
// moved. Signatures follow wall time, because the CLI signs with wall time.
func TestPlainAWSCLIAfterClock(t *testing.T) {
	t.Parallel()
	needTool(t, debianAWS, "--version")
	path := buildProgram(t)
	endpoint := startDev(t, path)
	kms := func(args ...string) (string, error) {
		out, err := runExample(t, append([]string{
			"env", "AWS_ACCESS_KEY_ID=" + devAccessKey, "AWS_SECRET_ACCESS_KEY=" + devSecret, "AWS_DEFAULT_REGION=us-east-1",
			debianAWS, "--endpoint-url", endpoint, "--output", "text", "kms",
		}, args...)...)
		return strings.TrimSpace(out), err
	}
	must := func(out string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return out
	}
	keep := must(kms("create-key", "--query", "KeyMetadata.KeyId"))
	lose := must(kms("create-key", "--query", "KeyMetadata.KeyId"))
	must(kms("schedule-key-deletion", "--key-id", lose, "--pending-window-in-days", "30"))
	moved := must(runExample(t, path, "clock", "advance", "2160h", "--endpoint-url", endpoint))
	if !strings.Contains(moved, "2160h0m0s ahead") {
		t.Fatalf("the clock was not moved: %s", moved)
	}
	if got := must(kms("describe-key", "--key-id", keep, "--query", "KeyMetadata.KeyId")); got != keep {
		t.Errorf("describe-key gives %q, not %s", got, keep)
	}
	if got := must(kms("list-keys", "--query", "Keys[].KeyId")); got != keep {
		t.Errorf("list-keys gives %q, not only %s", got, keep)
	}
	if got, err := kms("describe-key", "--key-id", lose); err == nil || !strings.Contains(got, "(NotFoundException)") {
		t.Errorf("a key with a deletion date 30 days ahead still exists after 90 days: %v\n%s", err, got)
	}
}

// needTool fails the test if a command is missing or does not work.
func needTool(t *testing.T, command ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: run `make deps` to install it, and set KEYHOLD_PYTHON as the Makefile does.\n%s", strings.Join(command, " "), err, out)
	}
}

// startDev starts the real program for one test and returns its endpoint.
func startDev(t *testing.T, path string) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	p := startProgram(t, path, data)
	t.Cleanup(func() { p.kill(t) })
	return p.endpoint
}

// runExample runs a command without AWS configuration. No temporary file may be left, because it
// might hold key material.
func runExample(t *testing.T, command ...string) (string, error) {
	t.Helper()
	temp := t.TempDir()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	cmd.Env = append(cmd.Env, "TMPDIR="+temp, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	out, err := cmd.CombinedOutput()
	left, globErr := filepath.Glob(filepath.Join(temp, "*"))
	if globErr != nil || len(left) > 0 {
		t.Errorf("%s left %v behind (%v)", command[0], left, globErr)
	}
	return string(out), err
}

// startFalse returns the endpoint of a server that forwards all operations but one. It answers this
// operation without carrying it out.
func startFalse(t *testing.T, endpoint string, answer falseAnswer) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // the signature covers the Host header
	}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "TrentService."+answer.operation {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		io.WriteString(w, answer.answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
