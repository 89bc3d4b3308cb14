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

// Only this file prints, which TestPrinting checks. Text from outside, such as the names in a
// policy, the message of a server or the name of a file, must not steer the terminal or look
// like lines of the program.

// escapeText returns text from outside for printing within a line. It escapes, as Go does, each
// character that strconv does not call printable: control characters, line breaks, marks that
// change the direction of text, and characters without width. It also escapes bytes that are
// not UTF-8.
func escapeText(text string) string { return replaceUnprintable(text, "", escapeAsGo) }

// replaceUnprintable replaces the characters that are not printable by the result of escape. The
// characters in keep stay.
func replaceUnprintable(text, keep string, escape func(r rune, raw string) string) string {
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

func escapeAsGo(r rune, raw string) string {
	if r == utf8.RuneError && len(raw) == 1 {
		return fmt.Sprintf(`\x%02x`, raw[0])
	}
	return strings.Trim(strconv.QuoteRuneToASCII(r), "'")
}

// escapeAsJSON escapes a character within a JSON string, which keeps its meaning (RFC 8259,
// section 7).
func escapeAsJSON(r rune, _ string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

// An argument is an argument of printf. It is formatted first and then escaped.
type argument struct{ value any }

// Format formats the argument by the verb and its flags.
func (a argument) Format(s fmt.State, verb rune) {
	io.WriteString(s, escapeText(fmt.Sprintf(fmt.FormatString(s, verb), a.value)))
}

// escapeArgs makes each value an argument. Integers stay as they are, because they contain no
// text and can be widths.
func escapeArgs(args []any) []any {
	all := make([]any, len(args))
	for i, a := range args {
		if _, isWidth := a.(int); isWidth {
			all[i] = a
		} else {
			all[i] = argument{a}
		}
	}
	return all
}

// printf prints for people. It escapes the arguments, but not the format, which is a constant of
// this program.
func printf(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format, escapeArgs(args)...)
	return err
}

// A page is text for people that only printf has written.
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

// trim returns the page without empty lines at its end.
func (p *page) trim() *page {
	t := new(page)
	t.b.WriteString(strings.TrimRight(p.b.String(), "\n") + "\n")
	return t
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// writeJSON writes JSON text and a line break. Escapes do not change the meaning of its strings.
func writeJSON(w io.Writer, text string) error {
	_, err := io.WriteString(w, replaceUnprintable(text, "\n", escapeAsJSON)+"\n")
	return err
}

// A terminal writes to standard output or standard error. It escapes all characters that are
// not printable, except line breaks and tabs.
type terminal struct{ to io.Writer }

// Write escapes and writes text.
func (t terminal) Write(p []byte) (int, error) {
	if _, err := io.WriteString(t.to, replaceUnprintable(string(p), "\n\t", escapeAsGo)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeData writes data, such as a plaintext. It changes nothing, except that a terminal device
// gets escaped text.
func writeData(w io.Writer, data []byte) error {
	if t, ok := w.(terminal); ok {
		if f, ok := t.to.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
			w = t.to
		}
	}
	_, err := w.Write(data)
	return err
}

// clearScreen clears the screen if w is a terminal on which a person sees it.
func clearScreen(w io.Writer) {
	t, ok := w.(terminal)
	if !ok {
		return
	}
	if f, ok := t.to.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		_, _ = io.WriteString(f, "\x1b[H\x1b[2J") // ECMA-48: CUP and ED; the next write reports an error
	}
}
