package local

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// The formats of the file. Since format 2, a record holds the format of the records. Versions of the program
// that support only format 1 do not read this record, so they must not open the file. The buckets are the same
// in both formats.
const (
	format    = 2
	oldFormat = 1
)

// The buckets of the file, and the names in bucketMeta.
const (
	bucketRecords = "records" // key to the revision of its last write and its value
	bucketMeta    = "meta"    // name to number
	keyFormat     = "format"
	keyRev        = "rev" // revision of the last commit
)

// ErrFormat means that a newer version of the program wrote the store.
var ErrFormat = errors.New("store: made by a newer version of the program")

func records(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(bucketRecords)) }

func meta(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(bucketMeta)) }

// revision returns the revision of the last commit that tx sees.
func revision(tx *bbolt.Tx) (int64, error) { return number(meta(tx), keyRev) }

// create creates the buckets of an empty file.
func create(tx *bbolt.Tx) error {
	if _, err := tx.CreateBucket([]byte(bucketRecords)); err != nil {
		return err
	}
	b, err := tx.CreateBucket([]byte(bucketMeta))
	if err != nil {
		return err
	}
	return errors.Join(putNumber(b, keyFormat, format), putNumber(b, keyRev, 0))
}

// inspect returns the revision of a file that is not empty, or an error if this program cannot read it.
func inspect(tx *bbolt.Tx) (rev int64, err error) {
	path := tx.DB().Path()
	if meta(tx) == nil || records(tx) == nil {
		return 0, corrupt(path, errors.New("not a store of this program"))
	}
	found, err := number(meta(tx), keyFormat)
	switch {
	case err != nil:
		return 0, err
	case found > format:
		return 0, fmt.Errorf("%w: format %d, but this program supports formats up to %d (%s)", ErrFormat, found, format, path)
	case found < oldFormat:
		return 0, corrupt(path, fmt.Errorf("format %d", found))
	}
	return revision(tx)
}

// upgrade changes the format of a valid file to the newest format.
func upgrade(b *bbolt.DB) (err error) {
	defer guard(b.Path(), faults(), &err)
	current := false
	err = b.View(func(tx *bbolt.Tx) error {
		found, err := number(meta(tx), keyFormat)
		current = found == format
		return err
	})
	if err != nil || current {
		return err
	}
	return b.Update(func(tx *bbolt.Tx) error { return putNumber(meta(tx), keyFormat, format) })
}

// number returns a number in the meta bucket: 8 bytes, big-endian.
func number(b *bbolt.Bucket, name string) (int64, error) {
	stored := b.Get([]byte(name))
	if len(stored) != 8 {
		return 0, corrupt(b.Tx().DB().Path(), fmt.Errorf("%q has %d bytes", name, len(stored)))
	}
	return int64(binary.BigEndian.Uint64(stored)), nil
}

func putNumber(b *bbolt.Bucket, name string, n int64) error {
	return b.Put([]byte(name), binary.BigEndian.AppendUint64(nil, uint64(n)))
}
