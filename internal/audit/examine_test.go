package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// agedLogOf returns a log of n events that have reached their age, in segments of about 20 events.
func agedLogOf(t *testing.T, now time.Time, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	at := now.Add(-2 * keepForTest)
	l := openRetained(t, path, at, nil)
	for i := range n {
		if err := l.Write(t.Context(), Event{EventID: fmt.Sprint("event-", i), EventTime: at}); err != nil {
			t.Fatal(err)
		}
	}
	waitCompressed(t, path)
	closeLog(t, l)
	return path
}

func always(time.Time) bool { return true }

// examine returns the value of the chain in the last line of each segment, also of one that lies in two tiles.
func TestExamine(t *testing.T) {
	for _, n := range []int{100, 300, 700} { // with a partial tile, with a full and a partial one, and with two full ones
		path := agedLogOf(t, testDay, n)
		all, err := readLayout(FolderOf(path))
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range all.closed {
			var want [chainSize]byte
			all.readSegment(t.Context(), i, s.End-1, func(at place, err error) bool {
				want, _ = chainOf(at.line)
				return err == nil
			})
			last, err := all.examine(t.Context(), i, always)
			if err != nil || last != want || want == [chainSize]byte{} {
				t.Errorf("%s: %x, %v, want %x", s.FileName(), last, err, want)
			}
			if _, err := all.examine(t.Context(), i, func(at time.Time) bool { return at.After(testDay) }); !errors.Is(err, errYoung) {
				t.Errorf("%s is young: %v", s.FileName(), err)
			}
		}
	}
}

// A segment is not examined without all of its hashes, and a line that was edited is found.
func TestExamineFails(t *testing.T) {
	path := agedLogOf(t, testDay, 300)
	damaged := func(path string) (segments int, first error) {
		all, err := readLayout(FolderOf(path))
		if err != nil {
			t.Fatal(err)
		}
		for i := range all.closed {
			if _, err := all.examine(t.Context(), i, always); err != nil {
				segments++
				if first == nil {
					first = err
				}
			}
		}
		return segments, first
	}
	all, err := readLayout(FolderOf(path))
	if err != nil {
		t.Fatal(err)
	}
	inFirst, inSecond := 0, 0
	for _, s := range all.closed {
		if s.First < 256 {
			inFirst++
		}
		if s.End > 256 {
			inSecond++
		}
	}
	if inFirst+inSecond <= len(all.closed) {
		t.Fatalf("no segment lies in two tiles: %v", all.closed)
	}
	for what, test := range map[string]struct {
		edit func(path string) error
		want int
	}{
		"nothing":                     {func(string) error { return nil }, 0},
		"no first tile":               {func(path string) error { return os.Remove(filepath.Join(FolderOf(path), "tile/0/000")) }, inFirst},
		"no second tile":              {func(path string) error { return os.RemoveAll(filepath.Join(FolderOf(path), "tile/0/001.p")) }, inSecond},
		"no tile of the second level": {func(path string) error { return os.RemoveAll(filepath.Join(FolderOf(path), "tile/1")) }, inSecond},
		"another hash of the first line": {func(path string) error {
			return flipByte(filepath.Join(FolderOf(path), "tile/0/000"), 0)
		}, 1},
		"another hash of line 17": {func(path string) error {
			return flipByte(filepath.Join(FolderOf(path), "tile/0/000"), 17*32+31)
		}, 1},
		"a segment that is damaged": {func(path string) error {
			return flipByte(filepath.Join(FolderOf(path), all.closed[2].FileName()), 100)
		}, 1},
	} {
		at := copyLog(t, path)
		if err := test.edit(at); err != nil {
			t.Fatal(err)
		}
		got, err := damaged(at)
		if got != test.want || strings.HasPrefix(what, "another hash") && !errors.Is(err, errNotInTree) || what == "another hash of line 17" && !strings.HasPrefix(err.Error(), "line 18: ") {
			t.Errorf("%s: %d segments cannot be examined, want %d: %v", what, got, test.want, err)
		}
	}
}

// A line behind the end of its tile is not in the tree.
func TestExamineBehindTheTile(t *testing.T) {
	path := agedLogOf(t, testDay, 100)
	folder := filepath.Join(FolderOf(path), "tile/0/000.p")
	text := read(t, filepath.Join(folder, "100"))
	if err := errors.Join(os.Remove(filepath.Join(folder, "100")), os.WriteFile(filepath.Join(folder, "30"), text[:30*32], 0o600)); err != nil {
		t.Fatal(err)
	}
	all, err := readLayout(FolderOf(path))
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for i, s := range all.closed {
		if s.First >= 30 || s.End <= 30 {
			continue
		}
		tested++
		if _, err := all.examine(t.Context(), i, always); !errors.Is(err, errNotInTree) {
			t.Errorf("lines %d to %d: %v", s.First, s.End, err)
		}
	}
	if tested != 1 {
		t.Errorf("%d segments have lines 29 and 30", tested)
	}
}

func flipByte(path string, at int) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text[at] ^= 1
	return os.WriteFile(path, text, 0o600)
}

// Lines are deleted up to the one that is needed, and when they have passed the age.
func TestRetainStopsAtTheFirst(t *testing.T) {
	path := agedLogOf(t, testDay, 100)
	all, err := readLayout(FolderOf(path))
	if err != nil {
		t.Fatal(err)
	}
	reached := all.closed[0].Closed.Add(keepForTest)
	for what, test := range map[string]struct {
		now    time.Time
		needed int64
		want   int64
		waits  bool
	}{
		"the second segment is needed":             {testDay, all.closed[0].End, all.closed[0].End, true},
		"the last line of the first one is needed": {testDay, all.closed[0].End - 1, 0, true},
		"a line of the third is needed":            {testDay, all.closed[2].End - 1, all.closed[1].End, true},
		"the first has just not reached its age":   {reached, 1000, 0, false},
		"all have reached their age":               {reached.Add(time.Minute), 1000, all.closed[len(all.closed)-1].End, false},
	} {
		at := copyLog(t, path)
		l := openRetained(t, at, test.now, func() (int64, bool) { return test.needed, true })
		if waits, err := l.retain(t.Context()); err != nil || waits != test.waits {
			t.Errorf("%s: waits %v, %v", what, waits, err)
		}
		now, err := readLayout(FolderOf(at))
		if err != nil || now.deleted.End != test.want || l.Reader().First() != test.want {
			t.Errorf("%s: the first line is %d, want %d, %v", what, now.deleted.End, test.want, err)
		}
		for i, s := range all.closed {
			if _, err := os.Stat(filepath.Join(FolderOf(at), s.FileName())); (err == nil) != (s.End > test.want) {
				t.Errorf("%s: segment %d: %v", what, i, err)
			}
		}
		closeLog(t, l)
		mustBeSound(t, at, 100+min(1, test.want))
	}
}

// A deletion that fails deletes nothing, and the next one removes what an interrupted deletion has left.
func TestRetainFails(t *testing.T) {
	path := agedLogOf(t, testDay, 100)
	for what, test := range map[string]struct {
		spoil func(l *Log, path string) error
		mend  func(path string) error
	}{
		"a damaged folder": {
			func(_ *Log, path string) error {
				return os.WriteFile(filepath.Join(FolderOf(path), deletedName), []byte("x"), 0o600)
			},
			func(path string) error { return os.Remove(filepath.Join(FolderOf(path), deletedName)) },
		},
		"the end of the deletion cannot be written": {
			func(_ *Log, path string) error {
				return os.Mkdir(filepath.Join(FolderOf(path), deletedName+temporarySuffix), 0o700)
			},
			func(path string) error { return os.Remove(filepath.Join(FolderOf(path), deletedName+temporarySuffix)) },
		},
		"a log that is closed": {func(l *Log, _ string) error { return l.Close() }, nil},
	} {
		at := copyLog(t, path)
		l := openRetained(t, at, testDay, nil)
		before, err := filepath.Glob(filepath.Join(FolderOf(at), "*"+compressedSuffix))
		if err = errors.Join(err, test.spoil(l, at)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.retain(t.Context()); err == nil {
			t.Errorf("%s: no error", what)
		}
		after, err := filepath.Glob(filepath.Join(FolderOf(at), "*"+compressedSuffix))
		if err != nil || len(before) != len(after) {
			t.Errorf("%s: %d of %d segments are left, %v", what, len(after), len(before), err)
		}
		if test.mend == nil {
			continue
		}
		if err := test.mend(at); err != nil {
			t.Fatal(err)
		}
		if _, err := l.retain(t.Context()); err != nil || l.Reader().First() == 0 {
			t.Errorf("%s: afterwards the first line is %d, %v", what, l.Reader().First(), err)
		}
		closeLog(t, l)
	}
	at := copyLog(t, path)
	l := openRetained(t, at, testDay.Add(-keepForTest), nil)
	all, err := readLayout(FolderOf(at))
	if err != nil {
		t.Fatal(err)
	}
	s := all.closed[1]
	text := fmt.Appendf(nil, `{"end":%d,"endByte":%d,"chain":""}`, s.End, s.EndByte)
	if err := os.WriteFile(filepath.Join(all.folder, deletedName), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.retain(t.Context()); err != nil {
		t.Error(err)
	}
	if names, err := filepath.Glob(filepath.Join(all.folder, "*"+compressedSuffix)); err != nil || len(names) != len(all.closed)-2 {
		t.Errorf("%d of %d segments are left, %v", len(names), len(all.closed), err)
	}
	closeLog(t, l)
	if err := (layout{folder: filepath.Join(at, "absent")}).removeDeleted(); err == nil {
		t.Error("segments of no folder were removed")
	}
}

// The server of a log without an age deletes nothing.
func TestRetainWithoutAnAge(t *testing.T) {
	path := agedLogOf(t, testDay, 100)
	l := openProtected(t, path, small)
	if waits, err := l.retain(t.Context()); waits || err != nil || l.Reader().First() != 0 {
		t.Errorf("the first line is %d, %v", l.Reader().First(), err)
	}
	closeLog(t, l)
}

// The event of a deletion states the end of the deletion. Nothing else does.
func TestDeletionIn(t *testing.T) {
	good := Event{EventID: "a", EventName: DeleteSegments, EventType: ServiceEvent, ServiceEventDetails: []byte(`{"log":"l","before":17,"keep":"1h"}`)}
	line := mustLine(t, good)
	if before, ok := deletionIn(line); before != 17 || !ok {
		t.Errorf("%d, %v", before, ok)
	}
	call, other, named := good, good, good
	call.EventType, other.EventName = APICall, "Delete"
	named.EventName, named.RequestParameters = "Decrypt", []byte(`{"eventName":"`+DeleteSegments+`"}`)
	for what, line := range map[string][]byte{
		"a request": mustLine(t, call), "another event": mustLine(t, other), "the name in a parameter": mustLine(t, named), "half a line": line[:len(line)-20],
		"another form": bytes.Replace(line, []byte(`"before":17`), []byte(`"before":"17"`), 1),
	} {
		if before, ok := deletionIn(line); before != 0 || ok {
			t.Errorf("%s: %d, %v", what, before, ok)
		}
	}
}
