package audit

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// A reader that goes forward gets each line once, over the ends of segments, while the log grows.
func TestFolderThatGrows(t *testing.T) {
	l := openProtected(t, filepath.Join(t.TempDir(), "audit.log"), Options{SegmentBytes: 20_000})
	defer l.Close()
	f, ok := l.Folder()
	if !ok || l.VerifierKey() == "" {
		t.Fatal("the log is not protected")
	}
	next := int64(0)
	for round := range 60 {
		for i := range 7 {
			write(t, l, event(fmt.Sprintf("%d-%d", round, i)))
		}
		for line, err := range f.Lines(t.Context(), next) {
			if err != nil {
				t.Fatal(err)
			}
			if id, err := ID(line); err != nil || id != fmt.Sprintf("%d-%d", next/7, next%7) {
				t.Fatalf("line %d is of event %s, %v", next, id, err)
			}
			next++
		}
		if f.seen.index != next-1 {
			t.Fatalf("the reader would begin at line %d, and has read %d", f.seen.index, next)
		}
		if next != f.Size() || next != int64(round+1)*7 {
			t.Fatalf("%d lines were read of %d", next, f.Size())
		}
	}
	for line, err := range f.Lines(t.Context(), 3) { // an earlier line than the last one
		if id, _ := ID(line); err != nil || id != "0-3" {
			t.Errorf("%s, %v", id, err)
		}
		break
	}
}

// A Guard makes the log unhealthy while it returns an error.
func TestGuard(t *testing.T) {
	l := New(Discard{}, Options{})
	defer l.Close()
	var fault error
	l.Guard(func() error { return fault })
	if err := l.Healthy(); err != nil {
		t.Error(err)
	}
	fault = errors.New("not anchored")
	if err := l.Healthy(); !errors.Is(err, fault) {
		t.Error(err)
	}
}
