package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// demoLength is the number of lines of the demo in the README.
const demoLength = 15

// variable matches the parts that differ from run to run of the demo.
var variable = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|127\.0\.0\.1:\d+|\d{4}-\d\d-\d\d[ T]\S+`)

// demoLines returns the lines of the demo that the README shows.
func demoLines(t *testing.T) []string {
	t.Helper()
	block := blockAfter(t, "README.md", "with the official Go SDK. It needs Go 1.26.4 or newer and nothing else. Fifteen of its lines:")
	lines := strings.Split(strings.TrimSuffix(block, "\n"), "\n")
	if len(lines) != demoLength {
		t.Errorf("README.md shows %d lines of the demo, want %d", len(lines), demoLength)
	}
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "    ")
	}
	return lines
}

// notPrinted returns the lines that output does not have in this order. Variable parts are not
// compared.
func notPrinted(lines []string, output string) (missing []string) {
	printed := strings.Split(variable.ReplaceAllString(output, "*"), "\n")
	for _, line := range lines {
		at := slices.Index(printed, variable.ReplaceAllString(line, "*"))
		if at < 0 {
			missing = append(missing, line)
			continue
		}
		printed = printed[at+1:]
	}
	return missing
}

func TestNotPrinted(t *testing.T) {
	const output = " 1  Create\n    arn:key/d9e3afea-7d93-4dc7-8742-20078a76bd5f\n    state      Enabled\n 2  Use\n    state      Enabled\n"
	for lines, want := range map[string]string{
		" 1  Create\n    arn:key/38d71e51-d8fd-4ba5-8443-33d914360ff0\n 2  Use\n    state      Enabled": "",
		" 2  Use\n 1  Create":                                     " 1  Create",
		"    state      Enabled\n    state      Enabled":          "",
		" 1  Create\n    state      Disabled":                     "    state      Disabled",
		" 2  Use\n    state      Enabled\n    state      Enabled": "    state      Enabled",
	} {
		if got := strings.Join(notPrinted(strings.Split(lines, "\n"), output), "; "); got != want {
			t.Errorf("%q: %q is missing, want %q", lines, got, want)
		}
	}
}

// The lines of the README work on a new dev server, also with an AWS CLI that ignores the endpoint in the environment.
func TestReadmeQuickStart(t *testing.T) {
	needTool(t, debianAWS, "--version")
	lines := `aws() { ` + debianAWS + ` "$@"; }` + "\n" +
		blockAfter(t, "README.md", quickStart) + blockAfter(t, "README.md", "Bring your own key, in one command:")
	out, err := runOnDev(t, lines)
	if err != nil || !strings.Contains(out, `"CiphertextBlob"`) || !strings.Contains(out, "Proof       a random challenge") {
		t.Errorf("%v\n%s", err, out)
	}
}

const quickStart = "ignore the exported endpoint, and would send to AWS."

// The README exports what the banner of a dev server exports.
func TestReadmeExports(t *testing.T) {
	exports := regexp.MustCompile(`(?m)^ +(export .*)`)
	var banner strings.Builder
	printBanner(&banner, devOptions{account: devAccount}, "127.0.0.1:4599", devRegion, devCertificate{})
	var want, got []string
	for _, m := range exports.FindAllStringSubmatch(banner.String(), -1) {
		want = append(want, m[1])
	}
	for _, m := range exports.FindAllStringSubmatch(blockAfter(t, "README.md", quickStart), -1) {
		got = append(got, m[1])
	}
	if len(want) != 3 || !slices.Equal(got, want) {
		t.Errorf("README.md exports\n%q\nand the banner\n%q", got, want)
	}
}

// The lines for Go tests are lines of the example in docs/tests.md, which TestLinesForGoTests runs.
func TestReadmeGoTest(t *testing.T) {
	block := blockAfter(t, "README.md", "In Go tests, a server in the process of the test starts within milliseconds:")
	example := readDocument(t, "docs/tests.md")
	for line := range strings.Lines(block) {
		if line = strings.TrimSpace(line); !strings.Contains(example, "\t"+line) {
			t.Errorf("docs/tests.md does not have the line %s", line)
		}
	}
}

var (
	toolLoop    = regexp.MustCompile(`for tool in ([^;]+); do`)
	onlyMissing = regexp.MustCompile(`missing\+=\(([\w-]+)\)`)
)

// packagesOf returns the Debian packages that a script installs, as .ci/deps writes them.
func packagesOf(script string) (all []string) {
	for _, m := range toolLoop.FindAllStringSubmatch(script, -1) {
		for word := range strings.FieldsSeq(m[1]) {
			name, _, _ := strings.Cut(word, ":")
			all = append(all, name)
		}
	}
	for _, m := range onlyMissing.FindAllStringSubmatch(script, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}

// The README lists the packages that make test installs.
func TestReadmeListsPackages(t *testing.T) {
	want := packagesOf(readDocument(t, ".ci/deps"))
	m := regexp.MustCompile(`(?s)- the Debian packages (.+?),\n- `).FindStringSubmatch(readDocument(t, "README.md"))
	if m == nil || len(want) < 10 {
		t.Fatalf("README.md has no list of packages, or .ci/deps installs only %q", want)
	}
	got := strings.Fields(strings.NewReplacer(",", " ", " and ", " ").Replace(m[1]))
	if !slices.Equal(got, want) {
		t.Errorf("README.md lists\n%q\nand .ci/deps installs\n%q", got, want)
	}
}
