package local

import (
	"errors"
	"math"
	"path/filepath"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/space"
)

// Room returns the bytes of the file that are in use, and the free bytes of its volume. All pages, whether in use or
// free, lie before the offset that bbolt calls the size of a transaction.
func (db *DB) Room() (used, free int64, err error) {
	if used, err = db.used(); err != nil {
		return 0, 0, err
	}
	free, err = space.Free(filepath.Dir(db.path))
	if errors.Is(err, errors.ErrUnsupported) {
		free, err = math.MaxInt64, nil
	}
	return used, free, err
}

func (db *DB) used() (used int64, err error) {
	err = db.bolt.View(func(tx *bbolt.Tx) error {
		used = tx.Size()
		return nil
	})
	return used, err
}
