package main

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// textOf returns the text of a string, or of strings that are joined with +. It reports whether a literal is part of
// the expression.
func textOf(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, isText := textOf(e.X)
		right, isTextToo := textOf(e.Y)
		return left + right, e.Op == token.ADD && (isText || isTextToo)
	}
	return "\n", false // ends a command line
}

// printedTexts returns all texts in the code of a folder, without its tests.
func printedTexts(t *testing.T, folder string) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(folder, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			text, isText := textOf(e)
			if isText {
				all = append(all, text)
			}
			return !isText
		})
	}
	return all
}

var (
	commandLine = regexp.MustCompile(`(?m)(^ *|: |\| |run |with |[A-Z_]+=\S+ )keyhold ([a-z].*)`)
	commandWord = regexp.MustCompile(`^(?:[A-Z_]+|%.*|.*[/=0-9].*|-)$`)
)

// hintsIn returns the command lines that a text tells its reader to run, without the name of the program.
func hintsIn(text string) (all [][]string) {
	for _, m := range commandLine.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", " "), -1) {
		words := strings.Fields(m[2])
		c, rest, err := command().Find(words)
		if err != nil || c.Name() == "keyhold" {
			continue
		}
		line := words[:len(words)-len(rest)]
		bare, value := len(line), false
		for _, word := range rest {
			unquoted := regexp.MustCompile(`^'(.*)'$`).ReplaceAllString(word, "$1")
			trimmed := strings.Trim(strings.TrimRight(unquoted, ".;:,)`"), `'"`)
			flag := c.Flag(strings.TrimLeft(trimmed, "-"))
			if trimmed == "-f" {
				flag = c.Flag("file")
			}
			isFlag := strings.HasPrefix(trimmed, "-") && trimmed != "-"
			if !isFlag && !value && !commandWord.MatchString(trimmed) {
				break
			}
			line, value = append(line, trimmed), isFlag && takesValue(flag)
			if trimmed != unquoted {
				break
			}
		}
		if len(line) > bare || m[1] == ": " || strings.Contains(m[1], "=") {
			all = append(all, line)
		}
	}
	return all
}

func takesValue(f *pflag.Flag) bool { return f != nil && f.NoOptDefVal == "" }

// checkHint returns an error if a command line is wrong usage. No server answers it.
func checkHint(t *testing.T, line []string) error {
	t.Helper()
	var args []string
	for i, word := range line {
		switch {
		case i > 0 && line[i-1] == "--endpoint-url":
			word = regexp.MustCompile(`//.*`).ReplaceAllString(word, "//127.0.0.1:1")
		case word == "FINGERPRINT":
			word = strings.Repeat("0f", 32)
		case strings.HasPrefix(word, "%"):
			word = "us-east-1"
		}
		args = append(args, strings.TrimPrefix(word, "/")) // within the folder of the test
	}
	c := command()
	c.SetArgs(args)
	c.SetIn(strings.NewReader(""))
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.ExecuteContext(ctx)
	if wrong, ok := errors.AsType[usageError](err); ok {
		return wrong
	}
	return nil
}

// Every command line in a message, an error, a remedy, an example or a document is complete: it has the arguments and flags that
// its command needs.
func TestPrintedCommands(t *testing.T) {
	texts := append(printedTexts(t, "."), printedTexts(t, "../../internal/keyfile")...)
	documents, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(documents) == 0 {
		t.Fatal(documents, err)
	}
	for _, name := range append(documents, "../../README.md") {
		texts = append(texts, strings.ReplaceAll(readDocument(t, strings.TrimPrefix(name, "../../")), "bin/keyhold", "keyhold"))
	}
	clearAWS(t)
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	t.Chdir(t.TempDir())
	for _, name := range []string{"FILE", "identities.toml", "admin.toml", "backup.toml"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.MkdirAll("etc/keyhold", 0o700),
		os.WriteFile(standardConfig[1:], []byte("storage.data = 'DIR'"), 0o600)); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, text := range texts {
		for _, line := range hintsIn(text) {
			found++
			if err := checkHint(t, line); err != nil {
				t.Errorf("keyhold %s: %v", strings.Join(line, " "), err)
			}
		}
	}
	if found < 80 {
		t.Errorf("only %d command lines were found", found)
	}
	for text, complete := range map[string]bool{
		"Import it now: keyhold import %s --region %s --from FILE\n":                                false,
		"Import it now: keyhold import %s --region %s --from FILE --expires 90d (or --no-expiry)\n": true,
		"make another access key first: keyhold identity rotate-key":                                false,
		"gzip -dc FILE | keyhold import KEY --from -":                                               false,
		"list all identities: keyhold identity list; then disable one":                              true,
	} {
		lines := hintsIn(text)
		if len(lines) != 1 || (checkHint(t, lines[0]) == nil) != complete {
			t.Errorf("%q: %q", text, lines)
		}
	}
}
