package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

var testDay = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// eventsFrom returns the lines of n events from a number on.
func eventsFrom(t *testing.T, first, n int) string {
	t.Helper()
	var text strings.Builder
	for i := first; i < first+n; i++ {
		e := event(fmt.Sprint("event-", i))
		e.RequestID, e.EventTime = fmt.Sprint("request-", i), testDay.Add(time.Duration(i)*time.Minute)
		text.Write(mustLine(t, e))
	}
	return text.String()
}

// logOf writes a log that nothing protects: closed segments, of which one is closed each hour, and the file that grows.
func logOf(t *testing.T, current string, closed ...string) (path string, segments []Segment) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "audit.log")
	if err := errors.Join(os.WriteFile(path, []byte(current), 0o600), os.Mkdir(FolderOf(path), 0o700)); err != nil {
		t.Fatal(err)
	}
	var s Segment
	for i, text := range closed {
		s.First, s.End = s.End, s.End+int64(strings.Count(text, "\n"))
		s.EndByte, s.Closed = s.EndByte+int64(len(text)), testDay.Add(time.Duration(i+1)*time.Hour)
		segments = append(segments, s)
		if err := os.WriteFile(filepath.Join(FolderOf(path), s.FileName()), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path, segments
}

// compress compresses a segment of a log, and removes the plain form unless both is true.
func compress(t *testing.T, path string, s Segment, both bool) (compressed string) {
	t.Helper()
	plain := filepath.Join(FolderOf(path), s.FileName())
	s.Compressed = true
	compressed = filepath.Join(FolderOf(path), s.FileName())
	err := writeCompressed(t.Context(), plain, compressed)
	if err == nil && !both {
		err = os.Remove(plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	return compressed
}

// openFiles returns the files in a folder that this process has open.
func openFiles(t *testing.T, dir string) (open []string) {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, fd := range all {
		if name, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(name, dir) {
			open = append(open, name)
		}
	}
	return open
}

// A reader that has ended stops within a segment, also before the first line that it wants.
func TestReaderEndsBeforeItsFirstLine(t *testing.T) {
	path, _ := logOf(t, eventsFrom(t, 3000, 1), eventsFrom(t, 0, 3000))
	f, err := OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	next, stop := iter.Pull2(f.Lines(ctx, 2999))
	defer stop()
	if _, err, more := next(); !more || !errors.Is(err, context.Canceled) {
		t.Errorf("got a line: %v, %v", more, err)
	}
}

// Since finds the events that the log contained when it was opened, and no others, also after their file was closed as
// a segment: a node takes over the events of another one at any time.
func TestSinceAfterAClosing(t *testing.T) {
	closed := eventsFrom(t, 0, 30)
	path, _ := logOf(t, eventsFrom(t, 30, 10), closed)
	l := openProtected(t, path, small)
	defer closeLog(t, l)
	for _, n := range []int{0, 2, 60} {
		writeMany(t, l, 100, n)
		for from, want := range map[int64]int{0: 40, 1: 39, int64(len(closed)): 10, int64(len(closed)) + 1: 9, math.MaxInt64: 0} {
			ids := map[string]bool{}
			err := l.Since(from, func(id string) { ids[id] = true })
			if err != nil || len(ids) != want || ids["event-29"] != (want > 10) || ids["event-39"] != (want > 0) {
				t.Errorf("after %d lines: %d events since %d, want %d, %v", n, len(ids), from, want, err)
			}
		}
	}
	if all, err := readLayout(FolderOf(path)); err != nil || len(all.closed) < 2 {
		t.Errorf("no file was closed: %v", err)
	}
}

// longLine is an event that is too long to be read.
func longLine(t *testing.T) string { return lineOf(t, "long", 0, maxLine+1) }

// A Folder reads the lines from an index on, with their places, whatever the form of the segments.
func TestFolderReadsSegments(t *testing.T) {
	texts := []string{eventsFrom(t, 0, 10), eventsFrom(t, 10, 5), eventsFrom(t, 15, 3)}
	all := strings.SplitAfter(strings.Join(texts, ""), "\n")
	path, segments := logOf(t, texts[2]+`{"cut`, texts[:2]...)
	compress(t, path, segments[0], false)
	compress(t, path, segments[1], true)
	f, err := OpenFolder(path)
	if err != nil || f.Size() != 18 || f.First() != 0 {
		t.Fatalf("%d lines, %v", f.Size(), err)
	}
	for from := range int64(19) {
		next := from
		for at, err := range f.lines(t.Context(), from) {
			if err != nil {
				t.Fatal(err)
			}
			want := place{line: []byte(strings.TrimSuffix(all[next], "\n")), index: next, segment: "audit.log", number: next - 14}
			for _, line := range all[:next] {
				want.offset += int64(len(line))
			}
			for _, s := range segments {
				if s.First <= next && next < s.End {
					s.Compressed = true
					want.segment, want.number = s.FileName(), next-s.First+1
				}
			}
			if string(at.line) != string(want.line) || at.index != want.index || at.offset != want.offset || at.segment != want.segment || at.number != want.number {
				t.Errorf("got %+v, want %+v", at, want)
			}
			next++
		}
		if next != 18 {
			t.Errorf("from %d: the last line is %d", from, next)
		}
	}
	// A layout that was read before a segment was compressed finds the segment.
	older := layout{folder: FolderOf(path), closed: segments}
	if r, err := older.open(0); err != nil {
		t.Error(err)
	} else if err := r.Close(); err != nil {
		t.Error(err)
	}
	if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
}

// Lines that are written after OpenFolder do not belong to the Folder. The size counts lines that are too long.
func TestFolderHasTheSizeOfItsOpening(t *testing.T) {
	path, _ := logOf(t, eventsFrom(t, 2, 1)+longLine(t)+eventsFrom(t, 4, 1), eventsFrom(t, 0, 2))
	f, err := OpenFolder(path)
	if err != nil || f.Size() != 5 {
		t.Fatalf("%d lines, %v", f.Size(), err)
	}
	later, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = later.WriteString(eventsFrom(t, 5, 2))
	}
	if err := errors.Join(err, later.Close()); err != nil {
		t.Fatal(err)
	}
	var lines []int
	for line, err := range f.Lines(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, len(line))
	}
	if len(lines) != 4 || lines[2] != 0 || lines[3] == 0 {
		t.Errorf("lines of %d bytes", lines)
	}
	if f, err := OpenFolder(filepath.Join(t.TempDir(), "audit.log")); err != nil || f.Size() != 0 {
		t.Errorf("a log without files has %d lines, %v", f.Size(), err)
	}
}

// Every reader of a log returns the error of a part that it cannot read, and closes its open files.
func TestReadersOfDamagedFolders(t *testing.T) {
	readers := map[string]func(path string) error{
		"OpenFolder": func(path string) error { _, err := OpenFolder(path); return err },
		"OpenWhole": func(path string) error {
			w, err := OpenWhole(path)
			if err != nil {
				return err
			}
			n, err := w.ReadAt(make([]byte, w.Size()), 0)
			if err != nil && int64(n) == w.Size() {
				t.Errorf("%d bytes were read, and the error is %v", n, err)
			}
			return errors.Join(err, w.Close())
		},
		"Find": func(path string) error {
			_, _, err := (&Log{path: path}).Find(t.Context(), "request-x")
			return err
		},
		"Verify": func(path string) error {
			var all []error
			_, err := Verify(t.Context(), VerifyConfig{Path: path, Report: func(f Finding) { all = append(all, f.Err) }})
			return errors.Join(append(all, err)...)
		},
		"Lines": func(path string) (err error) {
			for _, failed := range (&Folder{path: path, size: func() int64 { return 100 }}).Lines(t.Context(), 0) {
				err = errors.Join(err, failed)
			}
			return err
		},
		"Search": func(path string) (err error) {
			for _, failed := range (&Folder{path: path}).Search(t.Context(), Query{}, 0) {
				err = errors.Join(err, failed)
			}
			return err
		},
		"IndexOf": func(path string) error {
			_, _, err := (&Folder{path: path}).IndexOf(t.Context(), "event-x")
			return err
		},
		"Merge": func(path string) error {
			sound, _ := logOf(t, eventsFrom(t, 0, 3))
			logs := []*Folder{{path: sound}, {path: path}}
			return errors.Join(Merge(t.Context(), logs, Query{}, func(Hit) error { return nil }), Merge(t.Context(), logs[1:], Query{}, func(Hit) error { return nil }))
		},
		"Open": func(path string) error {
			l, err := Open(path, Options{})
			if err != nil {
				return err
			}
			return errors.Join(l.Since(0, func(string) {}), l.Close())
		},
	}
	not := func(names ...string) []string { return names }
	for what, test := range map[string]struct {
		damage func(path string, s []Segment) error
		want   error    // nil is any error
		passed []string // readers that need not notice it
	}{
		"a folder in place of the log": {func(path string, _ []Segment) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, nil, nil},
		"an unreadable deletion": {func(path string, _ []Segment) error {
			return os.WriteFile(filepath.Join(FolderOf(path), deletedName), []byte("x"), 0o600)
		}, nil, nil},
		"a file in place of the folder": {func(path string, _ []Segment) error {
			return errors.Join(os.RemoveAll(FolderOf(path)), os.WriteFile(FolderOf(path), nil, 0o600))
		}, nil, nil},
		"a missing segment": {func(path string, s []Segment) error {
			return os.Remove(filepath.Join(FolderOf(path), s[0].FileName()))
		}, ErrMissing, not("OpenFolder", "Find", "Open")},
		"a segment that lacks a line": {func(path string, s []Segment) error {
			return os.WriteFile(filepath.Join(FolderOf(path), s[0].FileName()), []byte(eventsFrom(t, 0, 2)), 0o600)
		}, errSegment, not("OpenFolder", "OpenWhole")},
		"a segment that is cut short": {func(path string, s []Segment) error {
			file := compress(t, path, s[0], false)
			info, err := os.Stat(file)
			if err != nil {
				return err
			}
			return os.Truncate(file, info.Size()-5)
		}, nil, not("OpenFolder")},
		"a segment that is a folder": {func(path string, s []Segment) error {
			name := filepath.Join(FolderOf(path), s[1].FileName())
			return errors.Join(os.Remove(name), os.Mkdir(name, 0o700))
		}, nil, not("OpenFolder")},
		"a line that is too long": {func(path string, s []Segment) error {
			return os.WriteFile(path, []byte(longLine(t)), 0o600)
		}, nil, not("OpenFolder", "OpenWhole", "Find", "Lines", "Search", "IndexOf", "Merge")},
	} {
		for name, read := range readers {
			path, s := logOf(t, eventsFrom(t, 6, 2), eventsFrom(t, 0, 3), eventsFrom(t, 3, 3))
			if sound := read(path); sound != nil {
				t.Errorf("%s of a sound log: %v", name, sound)
			}
			if err := test.damage(path, s); err != nil {
				t.Fatal(err)
			}
			err := read(path)
			if !slices.Contains(test.passed, name) && (err == nil || test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("%s, %s: %v", what, name, err)
			}
			if what == "a segment that is cut short" && errors.Is(err, errSegment) {
				t.Errorf("%s hides why a segment cannot be read: %v", name, err)
			}
			if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
				t.Errorf("%s, %s: %q are open", what, name, open)
			}
		}
	}
	path, _ := logOf(t, "")
	for name, read := range readers { // the path leads through a file
		if err := read(filepath.Join(path, "audit.log")); name != "Merge" && err == nil {
			t.Errorf("%s reads a log under a file", name)
		}
	}
}

// The error of a segment that lacks lines has the place of the first line that is missing.
func TestPlaceOfAMissingLine(t *testing.T) {
	path, s := logOf(t, "", eventsFrom(t, 0, 3), eventsFrom(t, 3, 3))
	name := s[1].FileName()
	if err := os.WriteFile(filepath.Join(FolderOf(path), name), []byte(eventsFrom(t, 3, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	for at, err := range (&Folder{path: path}).lines(t.Context(), 5) {
		if !errors.Is(err, errSegment) || at.segment != name || at.index != 5 || at.number != 3 {
			t.Errorf("%+v, %v", at, err)
		}
	}
}

// A reader that is told to stop stops, but not before a short log has ended.
func TestReadersStop(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, test := range []struct{ n, want int }{{1023, 1023}, {1024, 1023}, {2000, 1023}} {
		path, _ := logOf(t, eventsFrom(t, 0, test.n))
		got := 0
		var failed error
		for _, err := range (&Folder{path: path}).lines(stopped, 0) {
			if failed = err; err == nil {
				got++
			}
		}
		if got != test.want || errors.Is(failed, context.Canceled) != (test.n != test.want) {
			t.Errorf("%d of %d lines, %v", got, test.n, failed)
		}
	}
	path, _ := logOf(t, "", eventsFrom(t, 0, 2000), eventsFrom(t, 2000, 10))
	for at, err := range (&Folder{path: path}).lines(t.Context(), 5) { // the reader has enough
		if err != nil || at.index != 5 {
			t.Errorf("%+v, %v", at, err)
		}
		break
	}
	if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
}

// The first line of a log with deleted lines is the first that was kept, and the lines before are refused.
func TestFolderWithDeletedLines(t *testing.T) {
	path, s := logOf(t, eventsFrom(t, 6, 2), eventsFrom(t, 0, 3), eventsFrom(t, 3, 3))
	text := fmt.Sprintf(`{"end":3,"endByte":%d,"chain":""}`, s[0].EndByte)
	if err := os.WriteFile(filepath.Join(FolderOf(path), deletedName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenFolder(path)
	if err != nil || f.First() != 3 || f.Size() != 8 {
		t.Fatalf("lines %d to %d, %v", f.First(), f.Size(), err)
	}
	for from, want := range map[int64]error{2: transparency.ErrDeleted, 3: nil} {
		for at, err := range f.lines(t.Context(), from) {
			if !errors.Is(err, want) || err == nil && (at.index != from || at.offset != s[0].EndByte) {
				t.Errorf("from %d: %+v, %v", from, at, err)
			}
			break
		}
	}
	if err := os.WriteFile(filepath.Join(FolderOf(path), deletedName), []byte(`{"more":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLayout(FolderOf(path)); err == nil || f.First() != 0 {
		t.Errorf("an unknown member: %v, first line %d", err, f.First())
	}
}

// A layout lists the segments in order, the files that do not fit into a log, and gaps.
func TestLayout(t *testing.T) {
	path, s := logOf(t, "", eventsFrom(t, 0, 3), eventsFrom(t, 3, 3))
	for _, name := range []string{"x.jsonl", "x.tmp", checkpointName, "tile", "000000000007-000000000006-000000000000900-20261130T120000Z.jsonl"} {
		if err := os.WriteFile(filepath.Join(FolderOf(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := readLayout(FolderOf(path))
	if err != nil || !slices.Equal(l.closed, s) || len(l.strays) != 2 || l.gap() != nil {
		t.Errorf("%+v, %v", l, err)
	}
	if index, offset := l.end(); index != 6 || offset != s[1].EndByte || l.begin(0) != 0 || l.begin(1) != s[0].EndByte {
		t.Errorf("the end is %d, %d", index, offset)
	}
	l.closed = l.closed[1:]
	if err := l.gap(); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "lines 1 to 3, before segment "+s[1].FileName()) {
		t.Errorf("a gap: %v", err)
	}
	if index, offset := (layout{deleted: deletion{End: 4, EndByte: 44}}).end(); index != 4 || offset != 44 {
		t.Errorf("a log of deleted lines ends at %d, %d", index, offset)
	}
	if l, err := readLayout(filepath.Join(t.TempDir(), "absent")); err != nil || len(l.closed) > 0 {
		t.Errorf("no folder: %+v, %v", l, err)
	}
}

// A file that has a second name as the last segment belongs to the segment, also if the segment has a compressed form.
func TestFileOfTheLastSegment(t *testing.T) {
	path, s := logOf(t, eventsFrom(t, 3, 3), eventsFrom(t, 0, 3))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	last := Segment{First: 3, End: 6, EndByte: s[0].EndByte + info.Size(), Closed: testDay.Add(2 * time.Hour)}
	l := layout{folder: FolderOf(path), closed: append(slices.Clone(s), last)}
	if (layout{}).hasFile(info) || l.hasFile(info) {
		t.Error("a file that no segment has")
	}
	if err := os.Link(path, l.path(last)); err != nil {
		t.Fatal(err)
	}
	if compress(t, path, last, true); !l.hasFile(info) {
		t.Error("the last segment")
	}
	l.closed[1].Compressed = true
	if !l.hasFile(info) {
		t.Error("the last segment, which has a compressed form")
	}
	f, err := OpenFolder(path)
	if err != nil || f.Size() != 6 {
		t.Errorf("%d lines, %v", f.Size(), err)
	}
	w, err := OpenWhole(path)
	if err != nil || w.Size() != last.EndByte {
		t.Fatalf("%v, %v", w, err)
	}
	defer w.Close()
}
