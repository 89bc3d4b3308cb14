package keyhold_test

import (
	"go/scanner"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// mostColumns is how many characters a line of Go can have outside tests. A tab counts as one.
const mostColumns = 120

var (
	webAddress = regexp.MustCompile(`https?://\S+`)
	structTag  = regexp.MustCompile("`\\w+:\"[^`]*`")
)

func TestColumns(t *testing.T) {
	_, text := repository(t)
	for name, source := range text {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, line := range wideLines(name, source) {
			t.Errorf("%s:%d has more than %d columns", name, line, mostColumns)
		}
	}
}

// wideLines returns the numbers of the lines that are wider than mostColumns. Lines of a raw
// string may be wider, because tables stand in raw strings, and so may lines that would fit
// without a web address or a struct tag, and directives, which cannot be wrapped.
func wideLines(name, source string) (all []int) {
	raw := rawLines(name, source)
	number := 0
	for line := range strings.Lines(source) {
		number++
		line = webAddress.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")
		line = structTag.ReplaceAllString(line, "")
		directive := strings.HasPrefix(line, "//go:")
		if utf8.RuneCountInString(line) > mostColumns && !directive && !raw[number] {
			all = append(all, number)
		}
	}
	return all
}

// rawLines returns the numbers of the lines on which a raw string of several lines stands.
func rawLines(name, source string) map[int]bool {
	files := token.NewFileSet()
	file := files.AddFile(name, -1, len(source))
	var s scanner.Scanner
	s.Init(file, []byte(source), nil, 0)
	raw := map[int]bool{}
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return raw
		}
		lines := strings.Count(text, "\n")
		if tok != token.STRING || lines == 0 {
			continue
		}
		for first := file.Line(pos); lines >= 0; lines-- {
			raw[first+lines] = true
		}
	}
}

func TestWideLines(t *testing.T) {
	wide := strings.Repeat("w", mostColumns)
	for _, c := range []struct {
		text string
		want []int
	}{
		{"package p\n\n// " + wide[3:] + "\n", nil},
		{"package p\n\n// " + wide[2:] + "\n", []int{3}},
		{"package p\n\n\t// " + wide[4:] + "\n", nil},
		{"package p\n\n// " + strings.Repeat("é", mostColumns-3) + "\n", nil},
		{"package p\n\nconst c = \"" + wide + "\"\n", []int{3}},
		{"package p\n\nconst c = `" + wide + "`\n", []int{3}},
		{"package p\n\nconst c = `\n" + wide + "w\n`\n\n// " + wide + "\n", []int{7}},
		{"package p\n\n// https://example.org/" + wide + "\n", nil},
		{"package p\n\n// https://example.org/ " + wide + "\n", []int{3}},
		{"package p\n\n//go:generate go run " + wide + "\n", nil},
		{"package p\n\ntype s struct {\n\tf string `json:\"" + wide + "\"`\n}\n", nil},
		{"package p\n\ntype s struct {\n\tf string `json:\"f\"` // " + wide + "\n}\n", []int{4}},
	} {
		if got := wideLines("p.go", c.text); !slices.Equal(got, c.want) {
			t.Errorf("wideLines(%q) = %d, want %d", c.text, got, c.want)
		}
	}
}
