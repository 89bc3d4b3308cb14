package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const passing = `package x
import "testing"
func TestRight(t *testing.T) { t.Log("right, in silence"); t.Attr("ran", "3 stories"); t.Attr("left-out", "2 vectors: old") }
`

// inModule changes to a new module that contains one test file.
func inModule(t *testing.T, source string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"go.mod": "module x\n\ngo 1.26\n", "x_test.go": source} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func runAll() (string, error) {
	var out strings.Builder
	err := run(&out, "./...")
	return out.String(), err
}

const counts = "\nRan\n  TestRight                  3 stories\n\nLeft out\n  TestRight                  2 vectors: old\n"

func TestCountsAreShown(t *testing.T) {
	inModule(t, passing)
	for _, cached := range []bool{false, true} {
		out, err := runAll()
		first, rest, _ := strings.Cut(out, "\n")
		if err != nil || !strings.HasPrefix(first, "ok  \tx\t") || strings.Contains(first, "(cached)") != cached || rest != counts {
			t.Errorf("cached is %v: %v\n%s", cached, err, out)
		}
	}
}

// Failed tests are shown and make tally fail.
func TestFailuresAreShown(t *testing.T) {
	for name, c := range map[string]struct{ source, shown string }{
		"a test":         {`func TestWrong(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Error("wrong here") }) }`, "wrong here"},
		"a panic":        {`func TestWrong(t *testing.T) { panic("wrong here") }`, "panic: wrong here"},
		"an early end":   {`func TestWrong(t *testing.T) { println("wrong here"); os.Exit(3) }`, "wrong here"},
		"no compilation": {`func TestWrong(t *testing.T) { wrongHere() }`, "undefined: wrongHere"},
	} {
		t.Run(name, func(t *testing.T) {
			inModule(t, strings.Replace(passing, `"testing"`, `("testing"; "os")`, 1)+"var _ = os.Exit\n"+c.source)
			out, err := runAll()
			if _, ok := errors.AsType[*exec.ExitError](err); !ok || !strings.Contains(out, c.shown) || !strings.Contains(out, "FAIL\tx") {
				t.Errorf("%v\n%s", err, out)
			}
			if strings.Contains(out, "silence") {
				t.Errorf("it shows what a test says that does not fail:\n%s", out)
			}
		})
	}
}
