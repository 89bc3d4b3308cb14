package mut

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each function makes the original operation, and the changed one where its place is chosen.
func TestFunctions(t *testing.T) {
	failure := errors.New("failure")
	for name, c := range map[string]struct {
		result            func() any
		original, changed any
	}{
		"Not":  {func() any { return Not(1, true) }, true, false},
		"If":   {func() any { return If(1, "b", "a") }, "a", "b"},
		"Zero": {func() any { return Zero(1, failure) }, failure, nil},
		"Lss":  {func() any { return Lss(1, 2, 2) }, false, true},
		"Leq":  {func() any { return Leq(1, 2, 2) }, true, false},
		"Gtr":  {func() any { return Gtr(1, 2, 2) }, false, true},
		"Geq":  {func() any { return Geq(1, 2, 2) }, true, false},
		"Add":  {func() any { return Add(1, 6, 2) }, 8, 4},
		"Sub":  {func() any { return Sub(1, 6, 2) }, 4, 8},
		"Mul":  {func() any { return Mul(1, 6, 2) }, 12, 3},
		"Quo":  {func() any { return Quo(1, 6, 2) }, 3, 12},
		"Rem":  {func() any { return Rem(1, 6, 4) }, 2, 24},
		"Shl":  {func() any { return Shl(1, 6, 1) }, 12, 3},
		"Shr":  {func() any { return Shr(1, 6, 1) }, 3, 12},
		"And":  {func() any { return And(1, 6, 3) }, 2, 7},
		"Or":   {func() any { return Or(1, 6, 3) }, 7, 2},
		"Xor":  {func() any { return Xor(1, 6, 3) }, 5, 2},
	} {
		for place, want := range map[int]any{0: c.original, 1: c.changed, 2: c.original} {
			chosen = place
			if got := c.result(); got != want {
				t.Errorf("%s with place %d: %v instead of %v", name, place, got, want)
			}
		}
	}
	chosen = 0
}

// The changed program makes only the changed operation: the other one could panic.
func TestOneOperation(t *testing.T) {
	if got := Mul(1, 6, 0); got != 0 {
		t.Error(got)
	}
	if got := Shl(1, 1, 3); got != 8 {
		t.Error(got)
	}
	chosen = 1
	t.Cleanup(func() { chosen = 0 })
	if Quo(1, 6, 0) != 0 || Rem(1, 6, 0) != 0 {
		t.Error("a changed division is not a multiplication")
	}
}

// Two readers of a file record the places that they reach in it.
func TestReached(t *testing.T) {
	name := filepath.Join(t.TempDir(), "reached")
	if err := os.WriteFile(name, make([]byte, 5), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reached = nil })
	for _, place := range []int{1, 3, 5} { // the file has no byte for place 5
		_, reached = read(name)
		if On(place) {
			t.Errorf("place %d is changed", place)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := "\x00\x01\x00\x01\x00"; string(got) != want {
		t.Errorf("%q instead of %q", got, want)
	}
}

func TestRead(t *testing.T) {
	if place, memory := read(""); place != 0 || memory != nil {
		t.Error(place, memory)
	}
	if place, memory := read("17"); place != 17 || memory != nil {
		t.Error(place, memory)
	}
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(error).Error(), "no such file") {
			t.Error(r)
		}
	}()
	read(filepath.Join(t.TempDir(), "missing"))
}
