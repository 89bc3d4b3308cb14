package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store"
)

var errReadOnly = errors.New("store: opened read-only")

// OpenReadOnly opens a data folder for reading. It writes nothing, so the folder can be on a read-only medium,
// and it checks only the meta pages of the database. It returns the errors of [Open], and the error of os.Stat
// if there is no database. Several processes can have a folder open for reading.
func OpenReadOnly(dir string) (*DB, error) {
	path := filepath.Join(dir, FileName)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if info.Size() == 0 {
		return nil, corrupt(path, errors.New("the file is empty")) // bbolt would create a new database in it
	}
	b, err := openBolt(path, true)
	if err != nil {
		return nil, err
	}
	rev, err := revisionOf(b)
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	db := &DB{path: path, bolt: b, queue: newQueue(), feed: store.NewFeed(rev, store.FeedSize), ended: make(chan struct{})}
	db.queue.stop(errReadOnly)
	close(db.ended)
	return db, nil
}

func revisionOf(b *bbolt.DB) (rev int64, err error) {
	defer guard(b.Path(), faults(), &err)
	err = b.View(func(tx *bbolt.Tx) error {
		rev, err = inspect(tx)
		return err
	})
	return rev, err
}

// OpenSlotsReadOnly opens the slots of a data folder for reading. If the file is missing or not a file of
// slots, it returns a [*store.CorruptError].
func OpenSlotsReadOnly(dir string) (*Slots, error) {
	path := filepath.Join(dir, SlotsName)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, corrupt(path, errors.New("the file is missing"))
	}
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s := &Slots{file: f, err: errReadOnly, erasing: map[uint32]chan struct{}{}}
	var first, head [cellSize]byte
	copy(head[:], slotsMagic)
	info, err := f.Stat()
	if err == nil {
		_, err = f.ReadAt(first[:], 0)
	}
	switch {
	case err != nil && err != io.EOF:
		return nil, errors.Join(fmt.Errorf("read the slots: %w", err), f.Close())
	case first != head:
		return nil, errors.Join(corrupt(path, errors.New("not a file of slots of a version that this program supports")),
			f.Close())
	}
	s.cells = uint32(info.Size() / cellSize)
	return s, nil
}
