package keyfile

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/import-files.md has a row for each heading of formats.txt, and a row for each refusal with its command.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/import-files.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, row := range parseFormats(t) {
		if line := "- " + row.heading; row.heading != "Not read" && !slices.Contains(want, line) {
			want = append(want, line)
		}
	}
	open := regexp.MustCompile(` \(%s\)`)
	letter := regexp.MustCompile(`%[sqd]`)
	for _, n := range parseRefusals() {
		what := strings.ReplaceAll(letter.ReplaceAllString(open.ReplaceAllString(n.What, ""), "…"), "private key of the algorithm …", "private key of another algorithm")
		command := ""
		if n.Command != "" {
			command = "`" + strings.ReplaceAll(n.Command, "|", `\|`) + "`"
		}
		want = append(want, strings.TrimSpace("| "+what+" | "+n.Do+" | "+command)+" |")
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\n  ", " "), "\n") // an item of a list may have two lines
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("docs/import-files.md lacks the line\n%s", line)
		}
	}
	_, section, _ := strings.Cut(string(text), "## Files that are not read\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if rows := strings.Count(section, "\n| "); rows != len(parseRefusals())+1 {
		t.Errorf("docs/import-files.md has %d rows of files that are not read, not %d and a head", rows, len(parseRefusals()))
	}
}
