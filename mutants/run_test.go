package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const noticedRoom = "mutants/testdata/noticed"

// A run over a small room prints what its tests notice, and leaves no files behind.
func TestRun(t *testing.T) {
	t.Chdir("..")
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out bytes.Buffer
	s := settings{rooms: []string{noticedRoom}, others: []string{"mutants/testdata/other"},
		count: 100, each: 100, timeout: time.Minute, workers: 2, out: &out}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(regexp.MustCompile(`\d+\.\d s`).ReplaceAllString(out.String(), "T")), "\n")
	slices.Sort(lines)
	const want = `7 changes, 5 noticed, 2 survived; T per change
ALIVE    mutants/testdata/noticed/n.go:17: func Never() bool { return true } => func Never() bool { return false } (no test reaches the place)
ALIVE    mutants/testdata/noticed/n.go:8: func Next(a int) int { return a + 1 } => func Next(a int) int { return a + 2 } (1 tests, T)
compiled 6 changes into the tests of 2 folders in T; 1 changes must be compiled alone
left out, because it fails without a change: mutants/testdata/noticed TestBroken
noticed  mutants/testdata/noticed/n.go:11: const limit = 3 => const limit = 4 (2 tests, T)
noticed  mutants/testdata/noticed/n.go:14: func Twice(a int) int { return a * 2 } => func Twice(a int) int { return a * 3 } (1 tests, T)
noticed  mutants/testdata/noticed/n.go:14: func Twice(a int) int { return a * 2 } => func Twice(a int) int { return a / 2 } (1 tests, T)
noticed  mutants/testdata/noticed/n.go:5: func Less(a, b int) bool { return a < b } => func Less(a, b int) bool { return a <= b } (1 tests, T)
noticed  mutants/testdata/noticed/n.go:8: func Next(a int) int { return a + 1 } => func Next(a int) int { return a - 1 } (1 tests, T)
ran 4 tests without a change in T
seed 0, 7 places`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The build cache loses the packages that were compiled with a change.
func TestForget(t *testing.T) {
	t.Chdir("..")
	folders := []string{noticedRoom, "mutants/testdata/other"}
	rooms, err := loadRooms(t.Context(), folders[:1])
	if err != nil {
		t.Fatal(err)
	}
	f := rooms[0].files[0]
	o, err := writeOverlay(t.TempDir(), map[*source]string{f: string(f.text) + "\nconst Changed = 1\n"})
	if err != nil {
		t.Fatal(err)
	}
	files, err := o.compiled(t.Context(), folders)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 2 { // the package, and the package with its tests
		t.Errorf("%d compiled packages", len(files))
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	if err := o.forget(t.Context(), folders); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, err := os.Stat(file); !os.IsNotExist(err) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestNoCode(t *testing.T) {
	t.Chdir("..")
	s := settings{rooms: []string{"mutants/testdata/missing"}, count: 1, each: 1}
	if err := s.run(t.Context()); err == nil {
		t.Error("a missing folder is accepted")
	}
}
