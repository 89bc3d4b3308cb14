package keyhold_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// mostColumnsOfDocument is how many columns a line of a document has at most.
const mostColumnsOfDocument = 100

// loneLink is a line that holds nothing but a link, which cannot be broken.
var loneLink = regexp.MustCompile(`^ *(- )?!?\[[^]]*\]\([^)]*\)[.,:]?$`)

// wideInDocument returns the numbers of the lines of a document that are too wide. Rows of tables, lone links and fenced
// blocks, which show files and output as they are, may have any width.
func wideInDocument(text string) (wide []int) {
	n, fenced := 0, false
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced || strings.HasPrefix(line, "|") || loneLink.MatchString(line):
		case utf8.RuneCountInString(line) > mostColumnsOfDocument:
			wide = append(wide, n)
		}
	}
	return wide
}

func TestColumnsOfDocuments(t *testing.T) {
	_, text := repository(t)
	for name, content := range text {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, n := range wideInDocument(content) {
			t.Errorf("%s:%d: the line has more than %d columns", name, n, mostColumnsOfDocument)
		}
	}
}

// Text, headings, lists and commands have a limit; the exceptions end where they end.
func TestWideInDocument(t *testing.T) {
	long := strings.Repeat("ä", mostColumnsOfDocument)
	for text, want := range map[string][]int{
		long + "\n" + long + "x\n":                    {2},
		"# " + long + "\n":                            {1},
		"- " + long + "\n":                            {1},
		"    " + long + "\n":                          {1},
		"see [a](" + long + ")\n":                     {1},
		"[a](" + long + ")\n- [a](b/" + long + ").\n": nil,
		"| " + long + " |\n":                          nil,
		"```go\n" + long + "x\n```\n" + long + "x\n":  {4},
	} {
		if got := wideInDocument(text); !slices.Equal(got, want) {
			t.Errorf("%v, want %v, of\n%s", got, want, fmt.Sprintf("%.20q", text))
		}
	}
}
