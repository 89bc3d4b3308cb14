package main

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"
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

// Each kind of change is found, and the changed file still parses.
func TestMutations(t *testing.T) {
	all, err := mutationsIn("p.go", []byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range all {
		changed := sample[:m.from] + m.instead + sample[m.to:]
		if _, err := parser.ParseFile(token.NewFileSet(), "", changed, 0); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		lines = append(lines, m.String())
	}
	slices.Sort(lines)
	const want = `p.go:4: if a < b && err == nil { => if !(a < b && err == nil) {
p.go:4: if a < b && err == nil { => if a < b && err != nil {
p.go:4: if a < b && err == nil { => if a < b || err == nil {
p.go:4: if a < b && err == nil { => if a <= b && err == nil {
p.go:5: a++ =>
p.go:7: defer g("x" + "y") =>
p.go:8: return !(a+1 == b), err => return !(a+1 != b), err
p.go:8: return !(a+1 == b), err => return !(a+1 == b), nil
p.go:8: return !(a+1 == b), err => return !(a+2 == b), err
p.go:8: return !(a+1 == b), err => return !(a-1 == b), err
p.go:8: return !(a+1 == b), err => return (a+1 == b), err`
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// One change is noticed by a test, and another one is not.
func TestTry(t *testing.T) {
	t.Chdir("..")
	all, err := settings{rooms: []string{"mutants/testdata/noticed"}}.mutations()
	if err != nil {
		t.Fatal(err)
	}
	got := map[verdict]int{}
	for _, m := range all {
		v, err := settings{timeout: time.Minute}.try(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		got[v]++
	}
	if got[noticed] != 2 || got[alive] != 1 {
		t.Errorf("%v", got)
	}
}
