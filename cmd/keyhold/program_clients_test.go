package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/programtest"
)

const clients = "../../clients/"

// TestClients runs a client for the official SDK of each language. The client makes the calls that
// clients/README.md lists. A second run uses a server that answers one operation without doing it,
// or with a result that only a check in the client detects.
func TestClients(t *testing.T) {
	t.Parallel()
	want := clientCalls(t)
	commands := map[string][]string{
		"go":         goClient(t),
		"python":     pythonClient(t),
		"javascript": javascriptClient(t),
		"java":       javaClient(t),
	}
	t.Attr("ran", fmt.Sprintf("%d calls through the SDKs of %d languages", strings.Count(want, "\n")-1, len(commands)))
	path := buildProgram(t)
	for language, command := range commands {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			out, err := runExample(t, append(slices.Clone(command), startDev(t, path))...)
			if err != nil || out != want {
				t.Errorf("%v\n%s\nexpected what clients/README.md lists:\n%s", err, out, want)
			}
		})
		for _, answer := range []falseAnswer{
			{"CreateKey", `{}`, "CreateKey SYMMETRIC_DEFAULT: "},
			{"RevokeGrant", `{}`, "\nRevokeGrant: the grants: expected "},
			{"UpdatePrimaryRegion", `{}`, "\nUpdatePrimaryRegion: the "},
			{"Verify", `{"SignatureValid":true}`, "\nVerify of another message: expected "},
			{"GenerateMac", `{"Mac":"AAAA"}`, "\nImportKeyMaterial HMAC_256: the code: expected "},
		} {
			t.Run(language+" notices "+answer.operation, func(t *testing.T) {
				t.Parallel()
				out, err := runExample(t, append(slices.Clone(command), startFalse(t, startDev(t, path), answer))...)
				if err == nil || !strings.Contains(out, answer.notice) {
					t.Errorf("expected a failure with %q, got %v\n%s", answer.notice, err, out)
				}
			})
		}
	}
}

// clientCalls returns the output that every client must print: the first column of the table of
// calls.
func clientCalls(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(clients + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n| call | what must come back | checked without the server by |\n|---|---|---|\n")
	if !found {
		t.Fatal("clients/README.md has no table of calls")
	}
	var calls strings.Builder
	for line := range strings.Lines(table) {
		columns := strings.Split(line, "|")
		if len(columns) != 5 {
			t.Fatalf("clients/README.md has a row without exactly 3 columns: %s", line)
		}
		fmt.Fprintln(&calls, strings.TrimSpace(columns[1]))
	}
	end := fmt.Sprintf("ok %d calls", strings.Count(table, "\n"))
	if !strings.Contains(string(text), "`"+end+"`") {
		t.Errorf("clients/README.md does not say that a client ends with %q", end)
	}
	return calls.String() + end + "\n"
}

func goClient(t *testing.T) []string {
	t.Helper()
	return []string{programtest.Build(t, ".", clients+"go")}
}

func pythonClient(t *testing.T) []string {
	t.Helper()
	python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
	needTool(t, python, "-c", "import boto3, cryptography")
	return []string{python, "-B", clients + "python/main.py"}
}

// javascriptClient turns warnings off, because the SDK warns that it will drop support for this
// Node.js one day.
func javascriptClient(t *testing.T) []string {
	t.Helper()
	needTool(t, "node", "--version")
	needInstalled(t, clients+"javascript/node_modules/@aws-sdk/client-kms/package.json")
	return []string{"node", "--no-warnings", clients + "javascript/main.js"}
}

// quickJVM halves the run time of short programs.
var quickJVM = []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"}

// javaClient compiles the sources in a new folder, because an old class must not run.
func javaClient(t *testing.T) []string {
	t.Helper()
	needTool(t, "javac", "-version")
	needInstalled(t, clients+"java/target/lib/kms-*.jar")
	sources, err := filepath.Glob(clients + "java/src/*.java")
	if err != nil {
		t.Fatal(err)
	}
	classes, lib := t.TempDir(), clients+"java/target/lib/*"
	command := slices.Concat([]string{"-encoding", "UTF-8", "-d", classes, "-cp", lib}, sources)
	if out, err := exec.CommandContext(t.Context(), "javac", command...).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return slices.Concat([]string{"java", "-cp", classes + string(os.PathListSeparator) + lib}, quickJVM, []string{"Main"})
}

// needInstalled fails the test if the packages of a client are missing.
func needInstalled(t *testing.T, pattern string) {
	t.Helper()
	if found, err := filepath.Glob(pattern); err != nil || len(found) == 0 {
		t.Fatalf("there is no %s: run `make deps` to install it", pattern)
	}
}
