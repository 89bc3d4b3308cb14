package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/authority"
)

// soundSettings is a file without faults. DIR is the folder of the certificate.
const soundSettings = `# A server for tests.
[storage]
data = "DIR/data"
disk_reserve = 32

[custody]
root_key = "key-file:DIR/root.key"

[deployment]
account = "111122223333"
regions = ["eu-west-2", "eu-central-1"]
fips = false

[server]
address = "0.0.0.0:4599"
max_connections = 100
proxy_protocol_from = ["10.0.0.0/24"]
forwarded_from = ["10.0.0.5"]
allowed_hosts = ["kms.example.org"]

[tls]
certificate = "DIR/server.pem"
key = "DIR/server.key"
client_ca = "DIR/server.pem"
min_version = "1.2"

[limits]
rates = { cryptographic = 100, list = 5 }
quotas.keys = 1000

[log]
level = "debug"
format = "json"

[audit]
keep = "400d"
anchor = "file:/mnt/keyhold.anchor"
anchor_mode = "warn"
forward = "unix:/run/log.sock"
`

// outOfRange has a value for each key of soundSettings that has the right type and is wrong.
var outOfRange = map[string]string{
	"disk_reserve": "0", "root_key": `"paper:x"`, "account": `"1234"`, "regions": `["nowhere"]`, "address": `"localhost"`,
	"max_connections": "-1", "proxy_protocol_from": `["10.0.0.1/8"]`, "forwarded_from": `["here"]`,
	"allowed_hosts": `["https://kms.example.org"]`, "certificate": `"DIR/missing"`, "key": `"DIR/missing"`,
	"client_ca": `"DIR/server.none"`, "min_version": `"1.1"`, "rates": "{ cryptographc = 1 }", "quotas.keys": "-1",
	"level": `"loud"`, "format": `"xml"`, "keep": `"400"`, "anchor": `"ftp://host"`, "anchor_mode": `"maybe"`,
	"forward": `"gopher://host"`,
}

// mutations change a line that sets a key. They return the line, or lines.
var mutations = map[string]func(key, value string, r *rand.Rand) string{
	"misspelt": func(key, value string, r *rand.Rand) string {
		return key + string(rune('a'+r.IntN(26))) + " = " + value
	},
	"no value":  func(key, _ string, _ *rand.Rand) string { return key + " =" },
	"unquoted":  func(key, value string, _ *rand.Rand) string { return key + " = x" + strings.Trim(value, `"[]{}`) },
	"wrong":     func(key, value string, _ *rand.Rand) string { return key + " = " + wrongType(value) },
	"date":      func(key, _ string, _ *rand.Rand) string { return key + " = 2026-12-01" },
	"float":     func(key, _ string, _ *rand.Rand) string { return key + " = 1.5" },
	"twice":     func(key, value string, _ *rand.Rand) string { return key + " = " + value + "\n" + key + " = " + value },
	"open":      func(key, value string, _ *rand.Rand) string { return key + ` = "` + strings.Trim(value, `"`) },
	"binary":    func(key, value string, _ *rand.Rand) string { return key + " = " + value + "\x00" },
	"out range": func(key, _ string, _ *rand.Rand) string { return key + " = " + outOfRange[key] },
	"bracket":   func(key, value string, _ *rand.Rand) string { return "[" + key + " = " + value },
	"section": func(key, value string, r *rand.Rand) string {
		return fmt.Sprintf("[s%d]\n%s = %s", r.IntN(9), key, value)
	},
}

// wrongType returns a value of another type.
func wrongType(value string) string {
	if strings.HasPrefix(value, `"`) {
		return "7"
	}
	return `"7"`
}

// TestMutatedSettings changes a line of a sound file in 100 ways, and looks for file, line and remedy in the error.
func TestMutatedSettings(t *testing.T) {
	dir := soundFolder(t)
	if out, err := checkSettings(t, dir, soundSettings); err != nil {
		t.Fatal(out, err)
	}
	lines, kinds := strings.Split(soundSettings, "\n"), []string{}
	for kind := range mutations {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	r := rand.New(rand.NewPCG(17, 1))
	for n := 0; n < 100; {
		i, kind := r.IntN(len(lines)), kinds[r.IntN(len(kinds))]
		key, value, ok := strings.Cut(lines[i], " = ")
		if !ok || kind == "out range" && outOfRange[key] == "" {
			continue
		}
		n++
		changed := slices.Clone(lines)
		changed[i] = mutations[kind](key, value, r)
		out, err := checkSettings(t, dir, strings.Join(changed, "\n"))
		if problem := describesFault(out, filepath.Join(dir, "keyhold.toml"), i+1); err == nil || problem != "" {
			t.Errorf("%s: %q: %s\n%s", kind, changed[i], problem, out)
		}
	}
}

var remedyInFault = regexp.MustCompile(`(: |; |, )(give|write|remove|did you|it is|the settings of|the sections are|the file must be|run|must be)\b|neither .* nor|is not (between|valid)`)

// describesFault returns what the report of a faulty file lacks: the file and the line, or the line after it, and a
// remedy on each line of the report.
func describesFault(out, file string, line int) string {
	if !strings.Contains(out, fmt.Sprintf("%s:%d: ", file, line)) && !strings.Contains(out, fmt.Sprintf("%s:%d: ", file, line+1)) {
		return "the line is not named"
	}
	for report := range strings.Lines(out) {
		if !strings.HasPrefix(report, "keyhold: "+file+":") || !remedyInFault.MatchString(report) {
			return "no file or no remedy in: " + report
		}
	}
	return ""
}

// soundFolder returns a folder with the files that soundSettings names.
func soundFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	made, err := authority.New(nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"server.pem": text, "server.key": text, "server.none": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkSettings runs keyhold config check on a file with the text.
func checkSettings(t *testing.T, dir, text string) (out string, err error) {
	t.Helper()
	path := filepath.Join(dir, "keyhold.toml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o644); err != nil {
		t.Fatal(err)
	}
	return runInProcess(t, "config", "check", path)
}

// runInProcess runs a command of the program, and returns its output and the report of its error.
func runInProcess(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := command()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.ExecuteContext(context.WithoutCancel(t.Context()))
	if err != nil {
		report(&out, err)
	}
	return out.String(), err
}

// TestSeveralFaults finds the faults of several settings at once.
func TestSeveralFaults(t *testing.T) {
	dir := soundFolder(t)
	text := strings.NewReplacer(`"111122223333"`, `"1"`, `"loud"`, `"x"`, "max_connections = 100", "max_connections = -5",
		`"400d"`, `"4"`).Replace(soundSettings)
	out, err := checkSettings(t, dir, text)
	for _, line := range []int{10, 16, 36} {
		if !strings.Contains(out, fmt.Sprintf("%s/keyhold.toml:%d: ", dir, line)) {
			t.Errorf("line %d is not named: %v\n%s", line, err, out)
		}
	}
}

// TestPrecedence sets one setting in three places.
func TestPrecedence(t *testing.T) {
	dir := soundFolder(t)
	path := filepath.Join(dir, "keyhold.toml")
	if _, err := checkSettings(t, dir, soundSettings); err != nil {
		t.Fatal(err)
	}
	explain := func(args ...string) string {
		t.Helper()
		out, err := runInProcess(t, append([]string{"config", "explain", path}, args...)...)
		if err != nil {
			t.Fatal(out, err)
		}
		line := regexp.MustCompile(`(?m)^audit\.keep +(.*)$`).FindStringSubmatch(out)
		if line == nil {
			t.Fatal(out)
		}
		return strings.Join(strings.Fields(line[1]), " ")
	}
	for _, step := range []struct {
		environment string
		args        []string
		want        string
	}{
		{"", nil, "400d " + path + ":36"},
		{"30d", nil, "30d KEYHOLD_AUDIT_KEEP"},
		{"30d", []string{"--audit-keep", "7d"}, "7d --audit-keep"},
		{"wrong", []string{"--audit-keep", "7d"}, "7d --audit-keep"},
	} {
		t.Setenv("KEYHOLD_AUDIT_KEEP", step.environment)
		if got := explain(step.args...); got != step.want {
			t.Errorf("%q, want %q", got, step.want)
		}
	}
	t.Setenv("KEYHOLD_AUDIT_KEEP", "wrong")
	if out, err := runInProcess(t, "config", "check", path); err == nil || !strings.Contains(out, `KEYHOLD_AUDIT_KEEP "wrong" is not`) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestShowValue(t *testing.T) {
	flags := serveCommand().Flags()
	for value, want := range map[string]string{
		"https://user:secret@host/path": "https://***@host/path",
		"https://secret@host":           "https://***@host",
		"https://host/path@x":           "https://host/path@x",
		"unix:/run/log.sock":            "unix:/run/log.sock",
		"etcd://a:1,b:2/keyhold":        "etcd://a:1,b:2/keyhold",
		"syslog+tls://u:p:q@host:6514":  "syslog+tls://***@host:6514",
		"https://host/path?token=x":     "https://host/path?***",
		"https://host?token=x":          "https://host?***",
		"https://a:b@c@host/path":       "https://***@host/path",
		"etcd://a/k?user=u&tls=off":     "etcd://a/k?user=u&tls=off",
	} {
		flag := flags.Lookup("audit-forward")
		if err := flag.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		if got := showValue(flag); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
	for value, want := range map[string]string{
		"https://hooks.example.org/services/hunter2": "https://hooks.example.org/***",
		"https://hooks.example.org":                  "https://hooks.example.org",
		"/usr/local/bin/warn":                        "/usr/local/bin/warn",
	} {
		flag := flags.Lookup(hookFlag)
		if err := flag.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		if got := showValue(flag); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}
