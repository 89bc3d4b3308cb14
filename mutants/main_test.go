package main

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

const sample = `package p

func f(a, b int, err error) (bool, error) {
	if a < b && err == nil {
		a++
	}
	defer g("x" + "y")
	return !(a+1 == b), err
}
`

// roomOf returns a room with one file. Its code can import package mut.
func roomOf(t *testing.T, text string) (*room, *source) {
	t.Helper()
	fset := token.NewFileSet()
	packages, err := list(t.Context(), switches, "time")
	if err != nil {
		t.Fatal(err)
	}
	r := &room{folder: "p", path: "p", fset: fset, imports: importsFrom(fset, packages)}
	f, err := r.source("p/p.go", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	f.built = true
	r.files = []*source{f}
	return r, f
}

// Each kind of change is found, and the changed file still parses.
func TestMutations(t *testing.T) {
	_, f := roomOf(t, sample)
	var lines []string
	for _, m := range mutationsIn(f) {
		if _, err := parser.ParseFile(token.NewFileSet(), "", m.changed(), 0); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		lines = append(lines, m.String())
	}
	slices.Sort(lines)
	const want = `p/p.go:4: if a < b && err == nil { => if !(a < b && err == nil) {
p/p.go:4: if a < b && err == nil { => if a < b && err != nil {
p/p.go:4: if a < b && err == nil { => if a < b || err == nil {
p/p.go:4: if a < b && err == nil { => if a <= b && err == nil {
p/p.go:5: a++ =>
p/p.go:7: defer g("x" + "y") =>
p/p.go:8: return !(a+1 == b), err => return !(a+1 != b), err
p/p.go:8: return !(a+1 == b), err => return !(a+1 == b), nil
p/p.go:8: return !(a+1 == b), err => return !(a+2 == b), err
p/p.go:8: return !(a+1 == b), err => return !(a-1 == b), err
p/p.go:8: return !(a+1 == b), err => return (a+1 == b), err`
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
