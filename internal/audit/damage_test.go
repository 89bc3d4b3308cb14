package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A segment that disappeared after the layout was read is an error of the segment.
func TestSegmentThatDisappeared(t *testing.T) {
	path, s := logOf(t, "", eventsFrom(t, 0, 3))
	all, err := readLayout(FolderOf(path))
	if err == nil {
		err = os.Remove(all.path(s[0]))
	}
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	more := all.readSegment(t.Context(), 0, 0, func(at place, err error) bool {
		if calls++; at.segment != s[0].FileName() || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%+v, %v", at, err)
		}
		return true
	})
	if more || calls != 1 {
		t.Errorf("the reader goes on %v after %d calls", more, calls)
	}
}

// A start that has to build the tree again needs the hashes of the lines that were deleted.
func TestProtectNeedsTheHashesOfDeletedLines(t *testing.T) {
	path := agedLogOf(t, testDay, 100)
	l := openRetained(t, path, testDay, nil)
	if _, err := l.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	if err := os.RemoveAll(filepath.Join(FolderOf(path), "tile")); err != nil {
		t.Fatal(err)
	}
	l = openLogWith(t, path, small)
	defer closeLog(t, l)
	if err := l.Protect(t.Context(), protection()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A line that has no chain is compared with the checkpoint when the tree is built again.
func TestProtectComparesLinesWithoutAChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	old := openLog(t, path)
	writeMany(t, old, 0, 20)
	closeLog(t, old)
	closeLog(t, openProtected(t, path, Options{}))
	if err := errors.Join(replaceIn(`"eventID":"event-3"`, `"eventID":"event-x"`)(path), os.RemoveAll(filepath.Join(FolderOf(path), "tile"))); err != nil {
		t.Fatal(err)
	}
	l := openLogWith(t, path, Options{})
	defer closeLog(t, l)
	if err := l.Protect(t.Context(), protection()); !errors.Is(err, ErrAltered) || !strings.HasSuffix(err.Error(), "the first 20 lines differ from its last checkpoint") {
		t.Error(err)
	}
}

// A start of a long log writes tiles before it has read all lines, and fails if it cannot.
func TestTilesOfALongLog(t *testing.T) {
	const lines = mostTiles<<8 + 10
	for _, blocked := range []bool{true, false} {
		path, _ := logOf(t, strings.Repeat(`{"eventID":"e"}`+"\n", lines))
		l := openLogWith(t, path, Options{})
		first := filepath.Join(FolderOf(path), "tile/0/000")
		if blocked {
			if err := os.MkdirAll(filepath.Join(first, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Protect(t.Context(), protection()); (err != nil) != blocked {
			t.Errorf("blocked %v: %v", blocked, err)
		}
		_, err := os.Stat(filepath.Join(FolderOf(path), "tile/0/255"))
		if (err != nil) != blocked || !blocked && l.Reader().Size() != lines {
			t.Errorf("blocked %v: %d lines, %v", blocked, l.Reader().Size(), err)
		}
		closeLog(t, l)
	}
}

// The keeper writes tiles when many wait, before the next checkpoint.
func TestKeeperWritesTiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{CheckpointEvery: time.Hour})
	defer closeLog(t, l)
	writeMany(t, l, 0, 300)
	first := filepath.Join(FolderOf(path), "tile/0/000")
	if _, err := os.Stat(first); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("before many wait: %v", err)
	}
	signal(l.tilesDue)
	waitFor(t, "the tile", func() bool { _, err := os.Stat(first); return err == nil })
}

// The keeper looks for old segments a minute after the start, and then each hour.
func TestKeeperDeletes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	synctest.Test(t, func(t *testing.T) {
		l := openLogWith(t, path, Options{SegmentBytes: 1, CheckpointEvery: 10 * time.Second})
		p := protection()
		var deletions []time.Duration
		begun := time.Now()
		p.Keep = 10 * time.Second
		p.Deletion = func(d Deleted) Event {
			deletions = append(deletions, time.Since(begun))
			return Event{EventID: fmt.Sprint("deletion-", d.Before), EventName: DeleteSegments, EventType: ServiceEvent, EventTime: time.Now()}
		}
		if err := l.Protect(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if err := l.Write(t.Context(), Event{EventID: fmt.Sprint(i), EventTime: time.Now()}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if len(deletions) != 2 || deletions[0] != time.Minute || deletions[1] != 61*time.Minute {
			t.Errorf("deletions after %v", deletions)
		}
	})
}

// Prove returns the error of a log that cannot be read.
func TestProveInADamagedLog(t *testing.T) {
	path, s := logOf(t, "", eventsFrom(t, 0, 3))
	if err := os.WriteFile(filepath.Join(FolderOf(path), s[0].FileName()), []byte(eventsFrom(t, 0, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	if line, proof, err := (&Folder{path: path}).Prove(t.Context(), "event-2"); !errors.Is(err, errSegment) || line != nil || proof != "" {
		t.Errorf("%q, %q, %v", line, proof, err)
	}
}

// A log whose file does not answer when a segment is closed has failed, and makes no segment.
func TestRotationOfABrokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{SegmentBytes: 1})
	write(t, l, event("0"))
	if err := l.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Write(t.Context(), event("1")); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if names, err := filepath.Glob(filepath.Join(FolderOf(path), "*"+lineSuffix)); err != nil || len(names) > 0 {
		t.Errorf("%q, %v", names, err)
	}
	if err := l.Healthy(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the log is healthy: %v", err)
	}
	if err := l.Close(); err == nil {
		t.Error("the log ends in order")
	}
}

// Open fails, and leaves no file open, if it cannot finish the closing of a segment.
func TestClosingThatCannotBeFinished(t *testing.T) {
	path, s := logOf(t, eventsFrom(t, 3, 3), eventsFrom(t, 0, 3))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	last := Segment{First: 3, End: 6, EndByte: s[0].EndByte + info.Size(), Closed: testDay.Add(2 * time.Hour)}
	if err := errors.Join(os.Link(path, filepath.Join(FolderOf(path), last.FileName())), os.Mkdir(path+temporarySuffix, 0o700)); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(path, Options{}); err == nil || l != nil {
		t.Errorf("%v, %v", l, err)
	}
	if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
	if err := os.Remove(path + temporarySuffix); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, path)
	if got := since(t, l, 0); len(got) != 6 || len(read(t, path)) != 0 {
		t.Errorf("%q, and the new file has %d bytes", got, len(read(t, path)))
	}
	closeLog(t, l)
}

// A log that keeps nothing holds no space.
func TestHoldOfALogInMemory(t *testing.T) {
	l := New(Discard{}, Options{})
	defer closeLog(t, l)
	if err := l.Hold(1 << 40); err != nil {
		t.Error(err)
	}
}

// Verify ends with its context.
func TestVerifyStops(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	path, _ := logOf(t, "", eventsFrom(t, 0, 1024))
	if _, err := Verify(stopped, VerifyConfig{Path: path, Report: func(f Finding) { t.Error(f) }}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
