package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/term"
)

// All that this program prints goes through this file: TestPrinting holds the others to
// it. Text from outside, such as the names in a policy, the message of a server or the
// name of a file, must not steer the terminal or pass for lines of the program.

// shown returns text from outside as it can be printed within a line: characters that
// strconv does not call printable are escaped as in Go: control characters, line breaks,
// marks that change the direction of text, and characters without width. So are bytes
// that are not UTF-8.
func shown(text string) string { return escaped(text, "", goEscape) }

// escaped replaces the characters that are not printable, but for those to keep.
func escaped(text, keep string, escape func(r rune, raw string) string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		raw := text[i : i+n]
		if r == utf8.RuneError && n == 1 || !strconv.IsPrint(r) && !strings.ContainsRune(keep, r) {
			raw = escape(r, raw)
		}
		b.WriteString(raw)
		i += n
	}
	return b.String()
}

func goEscape(r rune, raw string) string {
	if r == utf8.RuneError && len(raw) == 1 {
		return fmt.Sprintf(`\x%02x`, raw[0])
	}
	return strings.Trim(strconv.QuoteRuneToASCII(r), "'")
}

// jsonEscape escapes a character of a text in JSON, which means the same afterwards (RFC
// 8259, section 7).
func jsonEscape(r rune, _ string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

// A value is an argument of printf. Its text is escaped after it was formatted.
type value struct{ of any }

// Format formats the value by the verb and its flags.
func (v value) Format(s fmt.State, verb rune) {
	io.WriteString(s, shown(fmt.Sprintf(fmt.FormatString(s, verb), v.of)))
}

// shownValues wraps arguments. Integers hold no text, and may be widths.
func shownValues(args []any) []any {
	all := make([]any, len(args))
	for i, a := range args {
		if _, isWidth := a.(int); isWidth {
			all[i] = a
		} else {
			all[i] = value{a}
		}
	}
	return all
}

// printf prints for people. The format is the program's own, with its line breaks; the
// arguments are shown.
func printf(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, shownValues(args)...)
	return err
}

// A page is text for people that was made by printf alone.
type page struct{ b strings.Builder }

// printf adds to the page.
func (p *page) printf(format string, args ...any) { printf(&p.b, format, args...) }

// pagef returns a page of one printf.
func pagef(format string, args ...any) *page {
	p := new(page)
	p.printf(format, args...)
	return p
}

// table returns a writer of columns, with tabs between them, for printf.
func (p *page) table() *tabwriter.Writer { return tabwriter.NewWriter(&p.b, 0, 0, 2, ' ', 0) }

// trimmed returns the page without empty lines at its end.
func (p *page) trimmed() *page {
	t := new(page)
	t.b.WriteString(strings.TrimRight(p.b.String(), "\n") + "\n")
	return t
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// writeJSON writes JSON text, and a line break. Its strings say the same, escaped.
func writeJSON(w io.Writer, text string) error {
	_, err := io.WriteString(w, escaped(text, "\n", jsonEscape)+"\n")
	return err
}

// A terminal stands before standard output and standard error:
// whatever is written, control characters other than line breaks and tabs do not pass.
type terminal struct{ to io.Writer }

// Write writes text, escaped.
func (t terminal) Write(p []byte) (int, error) {
	if _, err := io.WriteString(t.to, escaped(string(p), "\n\t", goEscape)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeData writes bytes that are data, such as a plaintext, as they are, unless a person
// would see them on a terminal.
func writeData(w io.Writer, data []byte) error {
	if t, ok := w.(terminal); ok {
		if f, ok := t.to.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
			w = t.to
		}
	}
	_, err := w.Write(data)
	return err
}
