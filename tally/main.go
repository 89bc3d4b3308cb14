// Command tally runs go test with the given arguments and shows its output. At the end, it also shows the
// counts that tests reported with the attributes "ran" and "left-out" (testing.T.Attr), which go test does not
// show. Cached tests are included. It fails if go test fails.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	err := run(os.Stdout, os.Args[1:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(max(1, exit.ExitCode()))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, args ...string) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r := &report{out: out, held: map[test][]string{}}
	err = r.read(events)
	r.showCounts()
	return errors.Join(err, cmd.Wait())
}

// An event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test string
	Output                string
	Key, Value            string // of an attribute
}

type test struct{ pkg, name string }

// A report holds back the output of each test until the test ends. Only failed tests are shown.
type report struct {
	out    io.Writer
	held   map[test][]string
	counts []event
}

func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil {
			r.add(e)
		} else {
			r.out.Write(line) // not from a test
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (r *report) add(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		io.WriteString(r.out, e.Output)
	case "output":
		if e.Test == "" && e.Output != "PASS\n" {
			io.WriteString(r.out, e.Output)
		} else if !strings.HasPrefix(e.Output, "=== ") {
			r.held[t] = append(r.held[t], e.Output)
		}
	case "pass", "skip":
		delete(r.held, t)
	case "fail":
		r.show(t)
	case "attr":
		r.counts = append(r.counts, e)
	}
}

// show shows the output of a failed test. For a failed package, it shows the output of all its unfinished
// tests.
func (r *report) show(t test) {
	for held, lines := range r.held {
		if held == t || held.pkg == t.pkg && t.name == "" {
			io.WriteString(r.out, strings.Join(lines, ""))
			delete(r.held, held)
		}
	}
}

func (r *report) showCounts() {
	slices.SortStableFunc(r.counts, func(a, b event) int { return strings.Compare(a.Package, b.Package) })
	for _, part := range []struct{ key, title string }{{"ran", "Ran"}, {"left-out", "Left out"}} {
		title := "\n" + part.title + "\n"
		for _, c := range r.counts {
			if c.Key == part.key {
				fmt.Fprintf(r.out, "%s  %-26s %s\n", title, c.Test, c.Value)
				title = ""
			}
		}
	}
}
