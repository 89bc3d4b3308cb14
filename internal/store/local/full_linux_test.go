package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// fullDisk makes every write to the database fail with ENOSPC until restore is called.
func fullDisk(t *testing.T, db *DB) (restore func()) {
	t.Helper()
	fd := descriptor(t, db.path)
	kept, err := syscall.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	if err := syscall.Dup3(int(full.Fd()), fd, syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(syscall.Dup3(kept, fd, syscall.O_CLOEXEC), syscall.Close(kept)); err != nil {
			t.Fatal(err)
		}
	}
}

// A commit that fails because the disk is full has not happened and returns an error. Later commits succeed
// when there is space.
func TestCommitOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	db, err := Open(dir, Options{Failed: func(err error) { t.Errorf("failed: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // creates free pages, so that the file need not grow
		mustPut(t, db, "a", fmt.Sprint(i))
	}
	for round := range 3 {
		rev := int64(20 + round)
		restore := fullDisk(t, db)
		answers := together(t, db, put("b", "lost"), put("a", "lost"))
		for i, a := range answers {
			if !errors.Is(a.err, space.ErrFull) || !errors.Is(a.err, syscall.ENOSPC) || errors.Is(a.err, store.ErrFailed) || a.rev != 0 {
				t.Errorf("commit %d: revision %d, %v", i, a.rev, a.err)
			}
		}
		want(t, db, "b", "", 0, rev)
		restore()
		if err := db.Hold(1); !errors.Is(err, space.ErrFull) {
			t.Errorf("Hold does not report the full disk: %v", err)
		}
		if err := db.Hold(1); err != nil {
			t.Errorf("Hold reports the full disk twice: %v", err)
		}
		if got := mustPut(t, db, "c", fmt.Sprint(round)); got != rev+1 {
			t.Errorf("revision %d after %d", got, rev)
		}
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	want(t, db, "a", "19", 20, 23)
	want(t, db, "b", "", 0, 23)
	want(t, db, "c", "2", 23, 23)
}

func TestUnwritten(t *testing.T) {
	pathError := func(op string, err error) error { return &fs.PathError{Op: op, Path: "p", Err: err} }
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{pathError("write", syscall.ENOSPC), true},
		{pathError("write", syscall.EDQUOT), true},
		{pathError("write", syscall.EROFS), true},
		{pathError("write", syscall.EIO), false},
		{pathError("sync", syscall.ENOSPC), false},
		{syscall.ENOSPC, false}, // from fdatasync(2)
		{fmt.Errorf("file resize error: %s", pathError("truncate", syscall.ENOSPC)), true},
		{fmt.Errorf("file resize error: %s", pathError("truncate", syscall.EIO)), false},
		{fmt.Errorf("file sync error: %s", pathError("sync", syscall.ENOSPC)), false},
	} {
		if got := isUnwritten(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

// A commit whose meta page was written has happened, whatever error is returned.
func TestStands(t *testing.T) {
	db := open(t, t.TempDir())
	rev := mustPut(t, db, "a", "1")
	if !db.showsRevision(rev) || db.showsRevision(rev-1) {
		t.Error("the revision that the file shows is not known")
	}
}

// Hold allocates blocks beyond all pages and in holes. It does not change the length of the file.
func TestHold(t *testing.T) {
	dir := newClosedStore(t)
	path := filepath.Join(dir, FileName)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(content))+1<<20); err != nil { // makes a hole at the end
		t.Fatal(err)
	}
	db := open(t, dir)
	const most = 3 << 20
	for range 2 {
		if err := db.Hold(2 << 20); err != nil {
			t.Fatal(err)
		}
		if size, blocks := allocation(t, path); size != int64(len(content))+1<<20 || blocks < most || blocks > most+1<<20 {
			t.Errorf("%d bytes long, %d allocated", size, blocks)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(after, content) {
		t.Errorf("the file was changed: %v", err)
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

// No call leaves a file open, not even a call that fails.
func TestNoFileStaysOpen(t *testing.T) {
	dir := newClosedStore(t)
	db := open(t, dir)
	slots := openSlots(t, dir)
	putSlot(t, slots, 1)
	if err := errors.Join(db.Hold(1), slots.Hold(1), slots.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	readOnly, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	readSlots, err := OpenSlotsReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(readOnly.Check(t.Context()), readOnly.Close(), readSlots.Close()); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(bucketMeta)) })
	if err := os.WriteFile(filepath.Join(dir, SlotsName), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err1 := Open(dir, Options{})
	_, err2 := OpenReadOnly(dir)
	_, err3 := OpenSlots(dir, nil)
	_, err4 := OpenSlotsReadOnly(dir)
	for _, err := range []error{err1, err2, err3, err4} {
		if !isCorrupt(err) {
			t.Errorf("a damaged file: %v", err)
		}
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if target, _ := os.Readlink("/proc/self/fd/" + entry.Name()); strings.HasPrefix(target, dir) {
			t.Errorf("%s is still open", target)
		}
	}
}

// On a full disk, Put and Erase fail without changing anything, and the slots stay usable.
func TestSlotsOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSlots(dir, func(err error) { t.Errorf("failed: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	good := s.file
	s.file = full
	if _, err := s.Put(t.Context(), make([]byte, store.SlotSize)); !errors.Is(err, space.ErrFull) { // has to enlarge the file
		t.Errorf("Put: %v", err)
	}
	s.file = good
	slot, secret := putSlot(t, s, 1)
	free := len(s.free)
	s.file = full
	if _, err := s.Put(t.Context(), make([]byte, store.SlotSize)); !errors.Is(err, space.ErrFull) {
		t.Errorf("Put into a cell: %v", err)
	}
	name, err := parseSlotName(slot)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(map[uint32][]byte{name.cell: make([]byte, cellSize)}); !errors.Is(err, space.ErrFull) {
		t.Errorf("an erasure: %v", err)
	}
	s.file = good
	if len(s.free) != free {
		t.Errorf("%d cells are free, %d before", len(s.free), free)
	}
	if err := s.Hold(1); !errors.Is(err, space.ErrFull) {
		t.Errorf("Hold does not report the full disk: %v", err)
	}
	if got, err := s.Get(t.Context(), slot); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("the slot holds %x, %v", got, err)
	}
	if err := errors.Join(s.Hold(1), s.Erase(t.Context(), slot)); err != nil {
		t.Errorf("with space again: %v", err)
	}
	if _, err := s.Get(t.Context(), slot); !errors.Is(err, store.ErrNoSlot) {
		t.Errorf("the erased slot: %v", err)
	}
}

// A copied file of slots may have holes where cells are free. Hold fills them, so that the cells can be written
// on a full disk.
func TestHoldFillsHolesInSlots(t *testing.T) {
	dir := t.TempDir()
	s := openSlots(t, dir)
	slot, _ := putSlot(t, s, 1)
	if err := s.Erase(t.Context(), slot); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, SlotsName)
	size, blocks := allocation(t, path)
	const punch = 0x3 // FALLOC_FL_PUNCH_HOLE and FALLOC_FL_KEEP_SIZE
	if err := syscall.Fallocate(int(s.file.Fd()), punch, 4096, size-4096); err != nil {
		t.Skipf("this file system has no holes: %v", err)
	}
	if err := s.Hold(1); err != nil {
		t.Fatal(err)
	}
	if after, now := allocation(t, path); after != size || now < blocks+growth*cellSize {
		t.Errorf("%d of %d bytes are allocated, %d before", now, after, blocks)
	}
}
