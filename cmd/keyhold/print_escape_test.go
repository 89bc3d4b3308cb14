package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// printers are functions and methods that print without the escapes of print_escape.go.
var printers = []string{
	"fmt.Fprint", "fmt.Fprintf", "fmt.Fprintln", "fmt.Print", "fmt.Printf", "fmt.Println", "io.WriteString", "io.Copy",
	"os.Stdout", "os.Stderr", "tabwriter.NewWriter", "log.Print", "log.Printf", "log.Println",
}

// TestPrinting checks that commands print only through print_escape.go.
func TestPrinting(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "print_escape.go" || name == "main.go" {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			room, ok := s.X.(*ast.Ident)
			if called := fmt.Sprintf("%s.%s", room, s.Sel); ok && slices.Contains(printers, called) {
				t.Errorf("%s: %s prints without escapes: use printf, a page, or writeData", set.Position(n.Pos()), called)
			}
			return true
		})
	}
}

// hostile are characters that control a terminal, hide text, reverse it, or end a line.
var hostile = []string{
	"\x1b]52;c;ZXZpbA==\x07", "\x1b[2J\x1b[H", "\x9b2J", "\u009b2J", "\u0085", "\r", "\b", "\x7f", "\x00", "\n", "\t", "\v", "\f",
	"\u202e", "\u2066", "\u2069", "\u200e", "\u061c", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u2028", "\u2029", "\U000e0041", "\xff", "\xc3",
}

// unescaped returns the characters of a text that must not reach a terminal. Line breaks and tabs
// may.
func unescaped(text string) (found []string) {
	for i, r := range text {
		if r == unicode.ReplacementChar && !strings.HasPrefix(text[i:], "\ufffd") || r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			found = append(found, fmt.Sprintf("%q at %d", r, i))
		}
	}
	return found
}

func TestEscapeText(t *testing.T) {
	for _, h := range hostile {
		got := escapeText("a" + h + "z")
		if strings.ContainsAny(got, "\n\t") || unescaped(got) != nil || !strings.HasPrefix(got, `a\`) || !strings.HasSuffix(got, "z") {
			t.Errorf("%q is escaped as %q", h, got)
		}
	}
	for text, want := range map[string]string{
		"":                         "",
		"alias/payments é 鍵 🔑":     "alias/payments é 鍵 🔑",
		`C:\keys "a" 'b'`:          `C:\keys "a" 'b'`,
		"\ufffd":                   "\ufffd",
		"a\x1b[31mb\nc\u202ed\xff": `a\x1b[31mb\nc\u202ed\xff`,
	} {
		if got := escapeText(text); got != want {
			t.Errorf("%q is escaped as %q, not %q", text, got, want)
		}
	}
}

// TestPrintf checks that printf escapes arguments of all types and formats.
func TestPrintf(t *testing.T) {
	const evil = "x\x1b[2J\ny"
	type name string
	p := new(page)
	p.printf("%s|%v|%-12s|%q|%s|%s|%v|%+v|%s|%d|%-*s|%t\n", evil, evil, "a\n", evil, errors.New(evil), []string{evil}, name(evil), struct{ A string }{evil}, []byte(evil), int64(7), 3, "b", true)
	const want = `x\x1b[2J\ny|x\x1b[2J\ny|a\n          |"x\x1b[2J\ny"|x\x1b[2J\ny|[x\x1b[2J\ny]|x\x1b[2J\ny|{A:x\x1b[2J\ny}|x\x1b[2J\ny|7|b  |true` + "\n"
	if got := p.b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestTerminal checks that the writer of a terminal escapes what a command writes directly, and that
// data passes unchanged.
func TestTerminal(t *testing.T) {
	for _, h := range hostile {
		var out bytes.Buffer
		n, err := fmt.Fprintf(terminal{&out}, "a%sz", h)
		if err != nil || n != len(h)+2 || unescaped(out.String()) != nil {
			t.Errorf("%q: %q, %d, %v", h, &out, n, err)
		}
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	var out bytes.Buffer
	if err := writeData(terminal{&out}, all); err != nil || !bytes.Equal(out.Bytes(), all) {
		t.Errorf("%q, %v", &out, err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := writeData(terminal{file}, all); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file.Name()); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestJSONIsEscaped checks that JSON output escapes hostile characters, and decodes to the same
// text.
func TestJSONIsEscaped(t *testing.T) {
	all := strings.ToValidUTF8(strings.Join(hostile, "|"), "\ufffd")
	var out bytes.Buffer
	o := output{form: formJSON, w: &out}
	if err := o.print(nil, map[string]string{"Name": all}); err != nil {
		t.Fatal(err)
	}
	if found := unescaped(out.String()); found != nil {
		t.Errorf("%q: %v", &out, found)
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["Name"] != all {
		t.Errorf("%q, %v", back, err)
	}
}

// TestLogIsEscaped checks that the log has one line of printable text for each record. Package
// log/slog quotes all control characters but DEL.
func TestLogIsEscaped(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(terminal{&out}, nil))
	for _, h := range hostile {
		log.Info("a"+h, "b"+h, "c"+h, slog.Group("d"+h, "e", errors.New(h)))
	}
	if found := unescaped(out.String()); found != nil || strings.Count(out.String(), "\n") != len(hostile) || strings.Contains(out.String(), "\t") {
		t.Errorf("%q: %v", &out, found)
	}
}

// TestReportOfSeveral checks that joined errors are separate lines, and that a line break within an
// error is escaped.
func TestReportOfSeveral(t *testing.T) {
	var out strings.Builder
	exit := report(&out, errors.Join(errors.New("one\nkeyhold: all is well"), nil, errors.Join(usageError{errors.New("two")}, errors.New("three"))))
	if want := "keyhold: one\\nkeyhold: all is well\nkeyhold: two\nkeyhold: three\n"; exit != exitFailed || out.String() != want {
		t.Errorf("exit %d:\n%s", exit, out.String())
	}
}
