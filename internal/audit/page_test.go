package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

// pages reads a log from index to index, and returns the indexes of the events and the number of pages.
func pages(t *testing.T, l *Log, q Query, from, end int64, b PageBounds) (found, altered []int64, n int) {
	t.Helper()
	for n = 1; ; n++ {
		p, err := l.Page(t.Context(), q, from, end, b)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Lines) > b.Events || p.Next <= from && p.Next < end {
			t.Fatalf("%d events; from %d to %d", len(p.Lines), from, p.Next)
		}
		size := int64(0)
		for _, line := range p.Lines {
			found, size = append(found, line.Index), size+int64(len(line.Line))
		}
		if size > b.Bytes {
			t.Fatalf("%d bytes", size)
		}
		altered = append(altered, p.Altered...)
		if from = p.Next; from >= end {
			return found, altered, n
		}
	}
}

func indexesFrom(from, end int64) (all []int64) {
	for ; from < end; from++ {
		all = append(all, from)
	}
	return all
}

// Pages of any size have each selected event once, no matter which file has the event. Each page begins after the page
// before.
func TestPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, small)
	defer l.Close()
	writeMany(t, l, 0, 70)
	waitCompressed(t, path)
	first, end, err := l.Range()
	if first != 0 || end != 70 || err != nil {
		t.Fatal(first, end, err)
	}
	wide := PageBounds{Events: 1000, Bytes: 1 << 20, Scanned: 1 << 20}
	for name, b := range map[string]PageBounds{
		"wide": wide, "one event": {1, 1 << 20, 1 << 20}, "two lines of text": {1000, 1200, 1 << 20},
		"one line scanned": {1000, 1 << 20, 1},
	} {
		for _, from := range []int64{0, 1, 35, 69, 70, 80} {
			found, altered, n := pages(t, l, Query{}, from, end, b)
			if !slices.Equal(found, indexesFrom(from, end)) || altered != nil || b == wide && n != 1 || b != wide && from < 60 && n < 3 {
				t.Errorf("%s from %d: %d in %d pages, altered %v", name, from, found, n, altered)
			}
		}
	}
	if found, _, _ := pages(t, l, Query{Event: "event-33"}, 0, end, PageBounds{1, 1 << 20, 3000}); !slices.Equal(found, []int64{33}) {
		t.Error(found)
	}
	if found, _, n := pages(t, l, Query{Request: "none"}, 0, end, PageBounds{1, 1 << 20, 3000}); found != nil || n < 5 {
		t.Error(found, n)
	}
	if found, _, n := pages(t, l, Query{To: time.Unix(1, 0)}, 0, 10, wide); len(found) != 10 || n != 1 {
		t.Error(found, n) // the events of this test have no time
	}
	writeMany(t, l, 70, 5)
	if found, _, _ := pages(t, l, Query{}, 0, end, wide); len(found) != 70 {
		t.Errorf("%d events of a part of 70 lines", len(found))
	}
}

// A line that is longer than a page is named, and not returned.
func TestPagesOfLongLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{})
	defer l.Close()
	for i := range 3 {
		if err := l.Write(t.Context(), Event{EventID: fmt.Sprint(i), RequestParameters: fmt.Appendf(nil, `{"a":%q}`, strings.Repeat("x", 1500*(i%2)))}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := l.Page(t.Context(), Query{}, 0, 3, PageBounds{10, 1100, 1 << 20})
	if err != nil || len(p.Lines) != 3 || p.Lines[0].Line == nil || p.Lines[1].Line != nil || p.Lines[2].Line == nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// A page ends with the request.
func TestPagesEndWithTheRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{})
	defer l.Close()
	writeMany(t, l, 0, 1100)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, b := range []PageBounds{{2000, 1 << 30, 1 << 30}, {2000, 1 << 30, 1}} {
		if _, err := l.Page(ctx, Query{}, 0, 1100, b); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// A page names lines that are not as they were written, also the first line of a page.
func TestPagesOfAnAlteredLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{})
	defer l.Close()
	writeMany(t, l, 0, 40)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	at := Line{Index: 7}
	for line, err := range l.Reader().Lines(t.Context(), 7) {
		if err != nil {
			t.Fatal(err)
		}
		at.Line = bytes.Clone(line)
		break
	}
	proof, err := l.Prove(at)
	if err != nil {
		t.Fatal(err)
	}
	verifier, _ := testKeys.Verifier()
	if p, err := transparency.ParseProof(proof); err != nil {
		t.Error(err)
	} else if _, err := p.Check(at.Line, verifier); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte("event-7"), []byte("event-8"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, b := range []PageBounds{{1000, 1 << 20, 1 << 20}, {1, 1 << 20, 1 << 20}, {1000, 1 << 20, 1}} {
		if _, altered, _ := pages(t, l, Query{}, 0, 40, b); !slices.Equal(altered, []int64{7}) {
			t.Errorf("%+v: altered %v", b, altered)
		}
	}
	at.Line = bytes.Replace(at.Line, []byte("event-7"), []byte("event-8"), 1)
	if _, err := l.Prove(at); !errors.Is(err, ErrAltered) {
		t.Error(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("event-"), []byte("evert-")), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := l.Page(t.Context(), Query{}, 0, 40, PageBounds{1000, 1 << 20, 1 << 20}); err != nil || len(p.Altered) != mostAltered {
		t.Errorf("%d lines are named: %v", len(p.Altered), err)
	}
}

// An event with a time is looked for from the first segment that can have it.
func TestFirstAfter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	o := small
	o.Now = func() time.Time { return now }
	l := openProtected(t, path, o)
	defer l.Close()
	begun := now
	for i := range 3 {
		writeMany(t, l, 30*i, 30)
		now = now.Add(24 * time.Hour)
	}
	all, err := readLayout(FolderOf(path))
	if err != nil || len(all.closed) < 3 {
		t.Fatal(all, err)
	}
	last, _ := all.end()
	for at, want := range map[time.Time]int64{begun.Add(-time.Hour): 0, begun: 0, begun.AddDate(1, 0, 0): last} {
		if got, err := l.FirstAfter(at); got != want || err != nil {
			t.Errorf("%v: %d, %v; want %d", at, got, err, want)
		}
	}
	if got, _ := l.FirstAfter(begun.Add(25*time.Hour + 2*clockMargin)); got <= 0 || got > 60 {
		t.Errorf("a day later: %d", got)
	}
}

// A log that is not in a file, or that has no keys, has no pages.
func TestRangeOfOtherLogs(t *testing.T) {
	for want, open := range map[error]func() (*Log, error){
		ErrNotKept: func() (*Log, error) { return New(Discard{}, Options{}), nil },
		ErrNoKeys:  func() (*Log, error) { return Open(filepath.Join(t.TempDir(), "audit.log"), Options{}) },
	} {
		l, err := open()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.Range(); !errors.Is(err, want) {
			t.Error(err, want)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
