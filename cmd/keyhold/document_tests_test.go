package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// blockAfter returns the indented lines that follow a line of a document.
func blockAfter(t *testing.T, document, line string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + `\n\n((?:    .*\n)+)`).FindStringSubmatch(readDocument(t, document))
	if m == nil {
		t.Fatalf("%s has no lines after %q", document, line)
	}
	return m[1]
}

// readDocument returns the text of a document, named from the root of the repository.
func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runIn runs lines of a document in a folder. It stops at the first failure.
func runIn(t *testing.T, dir, path, lines string) (output string, err error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "-ec", lines)
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off")
	c.WaitDelay = time.Minute // a process in the background may keep the pipe open
	out, err := c.CombinedOutput()
	return string(out), err
}

// TestCommandsInOrder runs the commands of docs/cli.md about key material one after another,
// unchanged, on a new dev server.
func TestCommandsInOrder(t *testing.T) {
	lines := "openssl ecparam -name prime256v1 -genkey -noout -out signing.pem\n" + commandsOf(t, "Import") +
		`aws --endpoint-url http://127.0.0.1:4599 kms describe-key --key-id "$key" --query KeyMetadata.KeyState --output text`
	if strings.Count(lines, "\n") < 10 {
		t.Fatalf("%q", lines)
	}
	out, err := runOnDev(t, lines)
	if err != nil || !strings.Contains(out, "\nhello\n") || !strings.HasSuffix(out, "\nPendingImport\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// commandsOf returns the commands of a section of docs/cli.md.
func commandsOf(t *testing.T, section string) string {
	t.Helper()
	_, part, begins := strings.Cut(readDocument(t, "docs/cli.md"), "\n## "+section+"\n")
	part, _, ends := strings.Cut(part, "\n## ")
	if !begins || !ends {
		t.Fatalf("docs/cli.md has no section %q", section)
	}
	var lines strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^    (.+\n)`).FindAllStringSubmatch(part, -1) {
		lines.WriteString(m[1])
	}
	return lines.String()
}

// The commands of docs/cli.md for an import by hand work one after the other, unchanged.
func TestImportByHand(t *testing.T) {
	needTool(t, debianAWS, "--version")
	lines := `aws() { ` + debianAWS + ` "$@"; }` + "\n" + commandsOf(t, "An import by hand") +
		`kms describe-key --key-id "$key" --query KeyMetadata.KeyState --output text`
	if out, err := runOnDev(t, lines); err != nil || !strings.HasSuffix(out, "Enabled\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The commands of docs/cli.md for a server in production make a deployment, check it, and copy it. Only the
// folders differ. The certificate is verified, but the server is not started: the tests of serve start it.
func TestProductionCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lines := strings.NewReplacer("/var/lib/keyhold", dir+"/data", "/srv/keyhold", dir+"/copy", "/etc/keyhold.key", dir+"/root.key", "bin/keyhold", "keyhold").
		Replace(commandsOf(t, "Production"))
	commands := strings.Split(strings.ReplaceAll(lines, "\\\n", " "), "\n")
	serve := slices.IndexFunc(commands, func(line string) bool { return strings.HasPrefix(line, "keyhold serve ") })
	if len(commands) < 4 || serve < 0 {
		t.Fatalf("%q", commands)
	}
	commands[serve] = "openssl verify -CAfile server.pem -verify_hostname kms.example.com server.pem"
	out, err := runIn(t, dir, filepath.Dir(buildProgram(t)), strings.Join(commands, "\n"))
	if err != nil || !strings.Contains(out, "/data is sound\n") || !strings.Contains(out, "\nverified    6 records, ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// runOnDev runs lines of a document on a new dev server. Only the port differs.
func runOnDev(t *testing.T, lines string) (output string, err error) {
	t.Helper()
	path := buildProgram(t)
	p := startCommand(t, os.Stderr, path, "dev", "--addr", "127.0.0.1:0")
	defer p.kill(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": p.endpoint, "AWS_ACCESS_KEY_ID": devAccessKey, "AWS_SECRET_ACCESS_KEY": devSecret,
		"AWS_REGION": devRegion, "AWS_DEFAULT_REGION": devRegion,
	} {
		t.Setenv(name, value)
	}
	lines = strings.ReplaceAll(lines, "bin/keyhold", "keyhold")
	return runIn(t, t.TempDir(), filepath.Dir(path), strings.ReplaceAll(lines, devEndpoint, p.endpoint))
}

// TestLinesForCI runs the lines for a CI job. They start a server and wait until it answers. Only
// the port differs.
func TestLinesForCI(t *testing.T) {
	t.Parallel()
	path, dir := filepath.Dir(buildProgram(t)), t.TempDir()
	lines := blockAfter(t, "docs/tests.md", "Start the server, wait until it answers, and run your tests:")
	port := freePort(t)
	lines = strings.ReplaceAll(lines, "4599", port)
	started := strings.Replace(lines, "keyhold dev ", "keyhold dev --addr 127.0.0.1:"+port+" ", 1)
	if started == lines {
		t.Fatal(lines)
	}
	if out, err := runIn(t, dir, path, started+"\nkeyhold import alias/a --create --generate a.key --no-expiry --wrapping-key-spec RSA_2048\nkill $!\n"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	// Without a server the lines must fail.
	lines = strings.Replace(strings.Replace(lines, "keyhold dev ", "keyhold dev --no-such-flag ", 1), "--retry 30", "--retry 1", 1)
	if out, err := runIn(t, dir, path, lines); err == nil {
		t.Errorf("without a server: %s", out)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestLinesForGoTests creates a module with the test of the document, adds Keyhold with the lines of
// the document, and runs the test.
func TestLinesForGoTests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(checkout, filepath.Join(dir, "keyhold")); err != nil {
		t.Fatal(err)
	}
	app := filepath.Join(dir, "app")
	if err := os.Mkdir(app, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/tests.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(text)
	if example == nil {
		t.Fatal("docs/tests.md has no example in Go")
	}
	if err := os.WriteFile(filepath.Join(app, "app_test.go"), example[1], 0o600); err != nil {
		t.Fatal(err)
	}
	lines := blockAfter(t, "docs/tests.md", "Check Keyhold out next to your module, and add it with these lines:")
	if out, err := runIn(t, app, "", "go mod init example.com/app\n"+lines+"\ngo test ./...\n"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestExplainedAnswers checks that the server gives the answers that docs/clients.md explains, and
// that the commands explain them too.
func TestExplainedAnswers(t *testing.T) {
	text, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	answers := regexp.MustCompile(`(?m)^\| (\w+Exception), "([^"]+)"`).FindAllSubmatch(text, -1)
	if len(answers) < 3 {
		t.Fatalf("%q", answers)
	}
	source := sourceOf(t, "../../internal/sigv4", "../../internal/service")
	for _, a := range answers {
		if e, known := explain(string(a[1]), string(a[2])); !known || e.part == "" {
			t.Errorf("%s, %s has no row of its own in the table of remedies", a[1], a[2])
		}
		if !strings.Contains(source, `"`+string(a[2])+`"`) {
			t.Errorf("no server answers %s", a[2])
		}
	}
}

// sourceOf returns the text of all Go files in folders.
func sourceOf(t *testing.T, folders ...string) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}
