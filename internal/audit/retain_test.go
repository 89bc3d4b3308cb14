package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

const keepForTest = 30 * 24 * time.Hour

// openRetained opens a log with an age, at a time.
func openRetained(t *testing.T, path string, now time.Time, needed func() (int64, bool)) *Log {
	t.Helper()
	o := small
	o.Now = func() time.Time { return now }
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	p := protection()
	p.Keep, p.Needed = keepForTest, needed
	p.Deletion = func(d Deleted) Event {
		return Event{EventID: fmt.Sprint("deletion-", d.Before), EventName: DeleteSegments, EventType: ServiceEvent, EventTime: now, ServiceEventDetails: fmt.Appendf(nil, `{"log":%q,"before":%d,"keep":%q,"notForwarded":%d}`, d.Log, d.Before, d.Keep, d.NotForwarded)}
	}
	if err := l.Protect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return l
}

// agedLog returns a log of 200 old and 100 young events.
func agedLog(t *testing.T, now time.Time) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	for i, at := range []time.Time{now.Add(-2 * keepForTest), now.Add(-keepForTest / 2)} {
		l := openRetained(t, path, at, nil)
		for n := range 100 * (2 - i) {
			if err := l.Write(t.Context(), Event{EventID: fmt.Sprintf("%d-%d", i, n), EventTime: at}); err != nil {
				t.Fatal(err)
			}
		}
		waitCompressed(t, path)
		closeLog(t, l)
	}
	return path
}

// Segments are deleted when all of their lines have reached the age, with an event. Their hashes stay, so old proofs and
// checkpoints still hold.
func TestRetain(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	path := agedLog(t, now)
	before := mustBeSound(t, path, 300)
	l := openRetained(t, path, now, nil)
	if _, err := l.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := l.Reader()
	if first := f.First(); first < 150 || first > 200 {
		t.Errorf("the log begins with line %d", first)
	}
	if err := before.Checkpoint.Check(f); err != nil {
		t.Errorf("the old checkpoint: %v", err)
	}
	for _, err := range f.Lines(t.Context(), 0) {
		if !errors.Is(err, transparency.ErrDeleted) {
			t.Errorf("a deleted line was read: %v", err)
		}
	}
	if err := l.Since(0, func(string) {}); err != nil {
		t.Error(err)
	}
	closeLog(t, l)
	mustBeSound(t, path, 301)

	// A start goes on behind the deleted lines, also without the tiles of the lines that are there.
	l = openRetained(t, path, now, nil)
	writeMany(t, l, 301, 5)
	closeLog(t, l)
	mustBeSound(t, path, 306)

	// A deletion without its event is a finding.
	forged := copyLog(t, path)
	all, err := readLayout(FolderOf(forged))
	if err != nil {
		t.Fatal(err)
	}
	last, err := all.examine(t.Context(), 0, func(time.Time) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	s := all.closed[0]
	text := fmt.Appendf(nil, `{"end":%d,"endByte":%d,"chain":%q}`, s.End, s.EndByte, encodeChain(last))
	if err := errors.Join(os.WriteFile(filepath.Join(all.folder, deletedName), text, 0o600), os.Remove(all.path(s))); err != nil {
		t.Fatal(err)
	}
	if _, findings := verifyLog(t, forged, testKeys.Chain); len(findings) != 1 {
		t.Errorf("a deletion without an event: %q", findings)
	}
}

// A kill after the event, or before all segments are removed, leaves a sound log.
func TestRetainAfterAKill(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	path := agedLog(t, now)
	whole := copyLog(t, path)
	l := openRetained(t, path, now, nil)
	if _, err := l.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	if _, err := OpenWhole(path); !errors.Is(err, transparency.ErrDeleted) {
		t.Errorf("a log without its oldest lines is whole: %v", err)
	}
	removed, err := filepath.Glob(filepath.Join(FolderOf(whole), "*"+compressedSuffix))
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range removed[1:3] { // come back
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(FolderOf(path), filepath.Base(from)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustBeSound(t, path, 301)
	if err := os.Remove(filepath.Join(FolderOf(path), deletedName)); err != nil {
		t.Fatal(err)
	}
	if _, findings := verifyLog(t, path, testKeys.Chain); len(findings) == 0 {
		t.Error("missing segments are not found")
	}
}

// Lines that are needed, that were edited, or that are younger than the name of their segment says are not deleted.
func TestRetainKeeps(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	path := agedLog(t, now)
	for name, test := range map[string]struct {
		needed func() (int64, bool)
		edit   func(path string) error
		fails  bool
	}{
		"needed": {needed: func() (int64, bool) { return 5, true }},
		"younger than the name": {edit: func(path string) error {
			all, err := readLayout(FolderOf(path))
			if err != nil {
				return err
			}
			for _, s := range all.closed {
				renamed := s
				renamed.Closed = now.Add(-9 * keepForTest)
				err = errors.Join(err, os.Rename(all.path(s), all.path(renamed)))
			}
			return err
		}},
		"missing hashes": {fails: true, edit: func(path string) error { return os.RemoveAll(filepath.Join(FolderOf(path), "tile")) }},
	} {
		at := copyLog(t, path)
		l := openRetained(t, at, now, test.needed)
		if test.edit != nil {
			if err := test.edit(at); err != nil {
				t.Fatal(err)
			}
		}
		_, err := l.retain(t.Context())
		if (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
		if first := l.Reader().First(); first > 200 || first > 0 && name != "younger than the name" {
			t.Errorf("%s: the log begins with line %d", name, first)
		}
		closeLog(t, l)
	}
}

// A log deletes no line that a second device may not have, until the wait ends. The event of the deletion then has the
// number of lines that the device may lack.
func TestRetainWaitsForTheSecondDevice(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	path := agedLog(t, now)
	free := copyLog(t, path)
	l := openRetained(t, free, now, nil)
	if _, err := l.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	due := l.Reader().First() // what the age alone deletes
	closeLog(t, l)
	for _, test := range []struct {
		name         string
		first        int64 // line that the device may not have
		wait, waits  bool
		whole        bool // all lines that have reached the age are deleted
		notForwarded int64
	}{
		{name: "the device has nothing", wait: true, waits: true},
		{name: "the device lacks the last line that is due", first: due - 1, wait: true, waits: true},
		{name: "the device has what is due", first: due, wait: true, whole: true},
		{name: "the device has all", first: 300, wait: true, whole: true},
		{name: "nobody waits, and the device has nothing", whole: true, notForwarded: due},
		{name: "nobody waits, and the device has a part", first: 10, whole: true, notForwarded: due - 10},
		{name: "nobody waits, and the device has all", first: 300, whole: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := copyLog(t, path)
			l := openRetained(t, at, now, func() (int64, bool) { return test.first, test.wait })
			waits, err := l.retain(t.Context())
			if err != nil || waits != test.waits {
				t.Errorf("waits %v, %v", waits, err)
			}
			f := l.Reader()
			first := f.First()
			if test.whole != (first == due) || !test.whole && first > test.first {
				t.Errorf("the log begins with line %d, and %d lines are due", first, due)
			}
			var last Event
			for line, err := range f.Lines(t.Context(), f.Size()-1) {
				if err == nil {
					last, err = parseEvent(line)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if first > 0 && !strings.Contains(string(last.ServiceEventDetails), fmt.Sprintf(`"notForwarded":%d}`, test.notForwarded)) {
				t.Errorf("the event has %s", last.ServiceEventDetails)
			}
			closeLog(t, l)
			mustBeSound(t, at, f.Size())
		})
	}
}

// A full disk that takes no file gets no event of a deletion that is not made.
func TestRetainWithoutSpace(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	path := agedLog(t, now)
	l := openRetained(t, path, now, nil)
	defer closeLog(t, l)
	size := l.Reader().Size()
	block := filepath.Join(FolderOf(path), deletedName+temporarySuffix, "x") // stops even root
	if err := os.MkdirAll(block, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := l.retain(t.Context()); err == nil {
			t.Fatal("no error")
		}
	}
	if f := l.Reader(); f.Size() != size || f.First() != 0 {
		t.Errorf("%d lines from %d, and %d before", f.Size(), f.First(), size)
	}
}
