package audit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/space"
)

// fill makes writes fail for lack of space after taken bytes, until empty is called.
func (d *disk) fill(taken int, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = func(p []byte) (int, error) { return min(taken, len(p)), cause }
}

func (d *disk) length() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.data)
}

func (d *disk) empty() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = nil
}

// On a full disk, the log refuses events, keeps all queued events, and leaves no part of one in the file. With
// space again, it continues by itself.
func TestFullDiskIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		taken int
		cause error
	}{
		"nothing was taken":  {0, syscall.ENOSPC},
		"a part was taken":   {100, syscall.ENOSPC},
		"the quota is used":  {0, syscall.EDQUOT},
		"it is read-only":    {0, syscall.EROFS},
		"two lines and some": {900, syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &disk{}
				l := New(d, Options{Failed: func(err error) { t.Errorf("failed: %v", err) }})
				write(t, l, event("before"))
				was := d.length()
				d.fill(test.taken, test.cause)
				var synced atomic.Bool
				waiting := begin(t.Context(), l, event("waiting"))
				appendTo(t, l, "change", &synced)
				time.Sleep(time.Second)
				if now := d.length(); now != was {
					t.Errorf("%d bytes are in the file, %d before", now, was)
				}
				for what, err := range map[string]error{
					"Write":   l.Write(t.Context(), event("refused")),
					"Healthy": l.Healthy(),
					"Hold":    l.Hold(1),
				} {
					if !errors.Is(err, space.ErrFull) || !errors.Is(err, test.cause) {
						t.Errorf("%s: %v", what, err)
					}
				}
				appendTo(t, l, "change 2", new(atomic.Bool))
				if err := <-waiting; !errors.Is(err, space.ErrFull) {
					t.Errorf("a Write that waited: %v", err)
				}
				if synced.Load() {
					t.Error("an event that is not in the file is called synced")
				}
				d.empty()
				time.Sleep(time.Second)
				if err := l.Healthy(); err != nil {
					t.Errorf("with space again: %v", err)
				}
				write(t, l, event("after"))
				closeLog(t, l)
				if got, want := ids(t, d.data), []string{"before", "waiting", "change", "change 2", "after"}; !slices.Equal(got, want) || !synced.Load() {
					t.Errorf("the file has %q, want %q; synced %v", got, want, synced.Load())
				}
			})
		})
	}
}

// A Write whose line waits returns normally if there is space again in time.
func TestShortLackOfSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		d.fill(10, syscall.ENOSPC)
		l := New(d, Options{})
		answer := begin(t.Context(), l, event("a"))
		time.Sleep(time.Second)
		d.empty()
		if err := <-answer; err != nil {
			t.Error(err)
		}
		closeLog(t, l)
		if got := ids(t, d.data); !slices.Equal(got, []string{"a"}) {
			t.Errorf("the file has %q", got)
		}
	})
}

func TestCloseOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		d.fill(10, syscall.ENOSPC)
		l := New(d, Options{})
		var synced atomic.Bool
		appendTo(t, l, "change", &synced)
		time.Sleep(time.Second)
		appendTo(t, l, "change 2", &synced)
		if err := l.Close(); !errors.Is(err, syscall.ENOSPC) || synced.Load() || len(d.data) != 0 || !d.closed {
			t.Errorf("%v, synced %v, %d bytes in the file, closed %v", err, synced.Load(), len(d.data), d.closed)
		}
	})
}

// Hold allocates blocks beyond the end of the file once, and does not change the size of the file.
func TestHold(t *testing.T) {
	path := t.TempDir() + "/log"
	l, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	write(t, l, event("a"))
	size, _ := allocation(t, path)
	for range 2 {
		if err := l.Hold(1 << 20); err != nil {
			t.Fatal(err)
		}
		now, blocks := allocation(t, path)
		if now != size || blocks < 3<<19 || blocks > 2<<20 {
			t.Errorf("size %d, was %d; %d bytes allocated", now, size, blocks)
		}
	}
	if l.room.to != size+3<<19 {
		t.Errorf("held to %d", l.room.to)
	}
	l.room.mu.Lock()
	l.room.to = size + 1<<20 - 1 // as if the file had grown
	l.room.mu.Unlock()
	if err := l.Hold(1 << 20); err != nil || l.room.to != size+3<<19 {
		t.Errorf("%v, held to %d", err, l.room.to)
	}
	if err := l.cutBack(1); err != nil { // frees the blocks
		t.Fatal(err)
	}
	if _, blocks := allocation(t, path); blocks > 1<<20 {
		t.Errorf("%d bytes are allocated after the file was cut", blocks)
	}
	if err := l.Hold(1 << 20); err != nil {
		t.Fatal(err)
	}
	if _, blocks := allocation(t, path); blocks < 3<<19 {
		t.Errorf("%d bytes are allocated", blocks)
	}
}

func allocation(t *testing.T, path string) (size, blocks int64) {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		t.Fatal(err)
	}
	return s.Size, s.Blocks * 512
}

// A start of a long log goes on when there is no space for the first tiles, and writes them later.
func TestTilesOfALongLogOnAFullDisk(t *testing.T) {
	const lines = mostTiles<<8 + 10
	path, _ := logOf(t, strings.Repeat(`{"eventID":"e"}`+"\n", lines))
	first := filepath.Join(FolderOf(path), "tile/0/000")
	if err := errors.Join(os.MkdirAll(filepath.Dir(first), 0o700), os.Symlink("/dev/full", first+temporarySuffix)); err != nil {
		t.Fatal(err)
	}
	l := openLogWith(t, path, Options{})
	defer closeLog(t, l)
	if err := l.Protect(t.Context(), protection()); err != nil || l.Reader().Size() != lines {
		t.Fatalf("%d lines, %v", l.Reader().Size(), err)
	}
	if _, err := os.Lstat(first + temporarySuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no tile met the full disk: %v", err)
	}
	if info, err := os.Lstat(first); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the first tile: %v", err)
	}
}

// A log says that it has no space for a checkpoint, and signs the checkpoint within seconds when it has space.
func TestCheckpointOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{CheckpointEvery: time.Hour})
	defer closeLog(t, l)
	if err := errors.Join(l.Checkpoint(), l.Unsigned()); err != nil {
		t.Fatal(err)
	}
	write(t, l, event("a"))
	full := filepath.Join(FolderOf(path), checkpointName) + temporarySuffix
	if err := os.Symlink("/dev/full", full); err != nil {
		t.Fatal(err)
	}
	err := l.Checkpoint()
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(l.Unsigned(), syscall.ENOSPC) || l.checkpointPause(err) != signAgain {
		t.Errorf("on a full disk: %v, %v, again in %v", err, l.Unsigned(), l.checkpointPause(err))
	}
	err = l.Checkpoint()
	if err != nil || l.Unsigned() != nil || l.checkpointPause(err) != time.Hour {
		t.Errorf("with space: %v, %v, again in %v", err, l.Unsigned(), l.checkpointPause(err))
	}
}
