//go:build linux

package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store"
)

// replace substitutes another file for the open file of db, and keeps the memory map. With flag O_RDONLY, every
// write fails. /dev/null accepts every write and rejects every sync.
func replace(t *testing.T, db *DB, name string, flag int) {
	t.Helper()
	fd := descriptor(t, db.path) // before the same path is opened again
	other, err := os.OpenFile(name, flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Dup3(int(other.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
}

// descriptor returns the file descriptor with which this process has path open.
func descriptor(t *testing.T, path string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if target, _ := os.Readlink("/proc/self/fd/" + entry.Name()); target == path {
			fd, err := strconv.Atoi(entry.Name())
			if err != nil {
				t.Fatal(err)
			}
			return fd
		}
	}
	t.Fatalf("%s is not open", path)
	return -1
}

func TestFailedCommitIsTheLast(t *testing.T) {
	for name, test := range map[string]struct {
		file func(db *DB) string
		flag int
		err  error
	}{
		"write fails": {func(db *DB) string { return db.path }, os.O_RDONLY, syscall.EBADF},
		"sync fails":  {func(*DB) string { return "/dev/null" }, os.O_RDWR, syscall.EINVAL},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			failed := make(chan error, 10)
			db, err := Open(dir, Options{Failed: func(err error) { failed <- err }})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 20 { // creates free pages, so that the file need not grow
				mustPut(t, db, "a", fmt.Sprint(i))
			}
			replace(t, db, test.file(db), test.flag)

			answers := together(t, db, put("b", "1"), put("c", "1"))
			_, later := db.Commit(t.Context(), put("d", "1"))
			for i, err := range []error{answers[0].err, answers[1].err, answers[2].err, later} {
				if !errors.Is(err, store.ErrFailed) || !errors.Is(err, test.err) {
					t.Errorf("commit %d: %v, want ErrFailed for %v", i, err, test.err)
				}
			}
			if err := <-failed; !errors.Is(err, store.ErrFailed) || !errors.Is(err, test.err) {
				t.Errorf("Failed was called with %v", err)
			}
			if err := db.Watch(t.Context(), 20, nil); !errors.Is(err, store.ErrFailed) {
				t.Errorf("Watch: %v", err)
			}
			want(t, db, "a", "19", 20, 20) // synced data can still be read
			if err := db.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if len(failed) > 0 {
				t.Errorf("Failed was called again with %v", <-failed)
			}

			db = open(t, dir)
			want(t, db, "a", "19", 20, 20)
			want(t, db, "b", "", 0, 20)
			mustPut(t, db, "b", "2")
		})
	}
}

// View does not show data that is written but not synced, although bbolt would.
func TestViewWaitsForSync(t *testing.T) {
	for name, test := range map[string]struct {
		outcome func(db *DB)
		err     error
	}{
		"synced": {func(db *DB) { db.feed.Publish(store.Change{Rev: 2}) }, nil},
		"failed": {func(db *DB) { db.feed.Stop(store.ErrFailed) }, store.ErrFailed},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t, t.TempDir())
			mustPut(t, db, "a", "1")
			if err := db.bolt.Update(func(tx *bbolt.Tx) error { return putNumber(meta(tx), keyRev, 2) }); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { _, _, err := get(ctx, db, "a"); done <- err }()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Fatalf("before the sync: %v", err)
			}
			go func() { _, _, err := get(t.Context(), db, "a"); done <- err }()
			test.outcome(db)
			if err := <-done; !errors.Is(err, test.err) {
				t.Errorf("after the sync: %v, want %v", err, test.err)
			}
		})
	}
}
