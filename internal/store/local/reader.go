package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store"
)

// A reader reads one bbolt transaction until the context of its View ends.
type reader struct {
	ctx     context.Context
	db      *DB
	records *bbolt.Bucket
	rev     int64
}

func (db *DB) reader(ctx context.Context, tx *bbolt.Tx) (r *reader, err error) {
	defer guard(db.path, faults(), &err)
	rev, err := revision(tx)
	return &reader{ctx, db, records(tx), rev}, err
}

// Rev implements [store.Reader.Rev].
func (r *reader) Rev() int64 { return r.rev }

// Get implements [store.Reader.Get].
func (r *reader) Get(keys ...[]byte) (items []store.Item, err error) {
	defer guard(r.db.path, faults(), &err)
	if err := store.ValidateGet(keys); err != nil {
		return nil, err
	}
	items = make([]store.Item, len(keys))
	for i, key := range keys {
		if items[i], err = r.item(key, r.records.Get(key)); err != nil {
			return nil, err
		}
	}
	return items, r.ctx.Err()
}

// Scan implements [store.Reader.Scan].
func (r *reader) Scan(from, to []byte, limit int) (items []store.Item, err error) {
	defer guard(r.db.path, faults(), &err)
	c := r.records.Cursor()
	for key, stored := c.Seek(from); key != nil && len(items) < limit; key, stored = c.Next() {
		if to != nil && bytes.Compare(key, to) >= 0 {
			break
		}
		item, err := r.item(key, stored)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, r.ctx.Err()
}

// item copies key and stored, because bbolt returns parts of its memory map.
func (r *reader) item(key, stored []byte) (store.Item, error) {
	rev, value, err := record(key, stored)
	if err == nil && rev > r.rev {
		err = corrupt(string(key), fmt.Errorf("revision %d in a store at %d", rev, r.rev))
	}
	if err != nil {
		return store.Item{}, err
	}
	return store.Item{Key: bytes.Clone(key), Value: bytes.Clone(value), Rev: rev}, r.ctx.Err()
}

// record splits the bytes stored at key: the revision of the last write (8 bytes, big-endian), and the value.
// The revision is 0 if nothing is stored.
func record(key, stored []byte) (rev int64, value []byte, err error) {
	if stored == nil {
		return 0, nil, nil
	}
	if len(stored) < 8 {
		return 0, nil, corrupt(string(key), errors.New("the value is shorter than a revision"))
	}
	rev = int64(binary.BigEndian.Uint64(stored))
	if rev < 1 {
		return 0, nil, corrupt(string(key), fmt.Errorf("revision %d", rev))
	}
	return rev, stored[8:], nil
}
