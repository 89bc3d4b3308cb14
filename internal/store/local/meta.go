package local

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// format is that of the file, and is counted up with every change of it.
const format = 1

// What the file holds.
const (
	bucketRecords = "records" // key to revision of its last write, and value
	bucketMeta    = "meta"    // name to number
	keyFormat     = "format"
	keyRev        = "rev" // revision of the last commit
)

// ErrFormat: the store was written by a newer version of the program.
var ErrFormat = errors.New("store: written by a newer version of this program: run that one or a later one")

func records(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(bucketRecords)) }

func meta(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(bucketMeta)) }

// revision returns the revision of the last commit that tx sees.
func revision(tx *bbolt.Tx) (int64, error) { return number(meta(tx), keyRev) }

// create makes the buckets of an empty file.
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

// inspect returns the revision of a file that is not empty, if this program can
// read it.
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
		return 0, fmt.Errorf("%w (%s has format %d, this program knows %d)", ErrFormat, path, found, format)
	case found < format:
		return 0, corrupt(path, fmt.Errorf("format %d", found))
	}
	return revision(tx)
}

// number returns a number of the meta bucket: 8 bytes, most significant first.
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
