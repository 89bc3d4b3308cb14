package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/boltpages"
)

// FileName is the name of the database in a data folder.
const FileName = "keyhold.db"

const lockWait = 500 * time.Millisecond // time for another process to exit

// openFile opens or creates the database in dir, checks it, and returns its revision. Everything that the
// database shows is on disk.
func openFile(dir string) (*bbolt.DB, int64, error) {
	if err := makeDir(dir); err != nil {
		return nil, 0, fmt.Errorf("data folder: %w", err)
	}
	path := filepath.Join(dir, FileName)
	b, err := openBolt(path, false)
	if err != nil {
		return nil, 0, err
	}
	rev, err := prepare(b)
	if err == nil {
		err = boltpages.CheckPages(context.Background(), path, b.Info().PageSize)
	}
	if err == nil {
		err = upgrade(b)
	}
	if err == nil {
		err = syncMetaPages(path, b.Info().PageSize)
	}
	if err == nil {
		err = durable.SyncFolder(dir)
	}
	if err != nil {
		return nil, 0, errors.Join(err, b.Close())
	}
	return b, rev, nil
}

// makeDir creates dir if only its last element is missing.
func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(filepath.Clean(dir)))
}

func openBolt(path string, readOnly bool) (b *bbolt.DB, err error) {
	defer guard(path, faults(), &err)
	for _, size := range mapSizes(path) {
		b, err = bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:         lockWait,
			FreelistType:    bbolt.FreelistMapType,
			InitialMmapSize: size,
			NoStatistics:    true,
			ReadOnly:        readOnly,
		})
		if !errors.Is(err, syscall.ENOMEM) {
			break
		}
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%w: %s", store.ErrInUse, path)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, corrupt(path, err)
	case err != nil:
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return b, nil
}

// The least sizes of the map in bytes: address space, not memory.
const (
	wideMap   = int64(64 << 30)
	narrowMap = int64(1 << 30)
)

// mapSizes returns the sizes of the map to try, the best first, which leave room for growth. bbolt can enlarge its map
// only while no View is running, so a long View, as of a backup, would otherwise block all commits. A limit of the
// address space (RLIMIT_AS) refuses the wide map. On Windows, the file is as large as the map.
func mapSizes(path string) []int {
	size := int64(0)
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	narrow := int(max(narrowMap, 2*size))
	if strconv.IntSize < 64 || runtime.GOOS == "windows" {
		return []int{narrow}
	}
	return []int{int(max(wideMap, 4*size)), narrow}
}

// prepare creates the buckets of an empty file, or checks the buckets of any other file without changing it. It
// returns the revision.
func prepare(b *bbolt.DB) (rev int64, err error) {
	defer guard(b.Path(), faults(), &err)
	empty := false
	err = b.View(func(tx *bbolt.Tx) error {
		if first, _ := tx.Cursor().First(); first == nil {
			empty = true
			return nil
		}
		rev, err = inspect(tx)
		return err
	})
	if empty {
		err = b.Update(create)
	}
	return rev, err
}

// syncMetaPages syncs what the file shows, without changing a byte. A process that was killed before it synced a meta
// page, or that stopped because this sync failed, leaves a meta page that exists only in the kernel's cache and
// that the kernel, after a failed sync, treats as written. The pages that it refers to were synced before.
// bbolt needs one of its two meta pages to be intact, so they are rewritten one after the other.
func syncMetaPages(path string, pageSize int) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	page := make([]byte, pageSize)
	for i := range int64(2) {
		at := i * int64(pageSize)
		if _, err := f.ReadAt(page, at); err != nil {
			return err
		}
		if _, err := f.WriteAt(page, at); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return nil
}
