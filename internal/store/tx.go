package store

import (
	"maps"
	"slices"
)

// A Getter is a [View] or a [Tx], for [Table.Get].
type Getter interface {
	// get returns the opened bytes at a path, and whether the record exists.
	get(path string) ([]byte, bool, error)
	// beneath returns the underlying View, without the writes of a Tx.
	beneath() *View
}

// A View is one revision of all records. It is valid until the function that received it returns, and must be
// used by one goroutine at a time.
type View struct {
	reader Reader
	sealer Sealer
	cache  *cache
}

// Rev returns the revision of the View.
func (v *View) Rev() int64 { return v.reader.Rev() }

func (v *View) get(path string) ([]byte, bool, error) {
	plain, rev, err := v.lookup(path)
	return plain, rev != 0, err
}

func (v *View) beneath() *View { return v }

// lookup returns the opened bytes and the revision of the last write, even if the value does not open.
func (v *View) lookup(path string) ([]byte, int64, error) {
	item, err := v.reader.Get([]byte(path))
	if err != nil || item.Rev == 0 {
		return nil, 0, err
	}
	plain, err := v.open(item)
	return plain, item.Rev, err
}

func (v *View) open(item Item) ([]byte, error) {
	plain, err := v.sealer.Open(item.Key, item.Value)
	if err != nil {
		return nil, &CorruptError{Path: string(item.Key), Err: err}
	}
	return plain, nil
}

// A Tx is one run of a [Store.Update]: the records of one revision together with its own writes. It cannot
// scan. A collection with an invariant has a guard record that every insertion and deletion reads and writes. A
// Tx is valid until the function that received it returns, and must be used by one goroutine at a time.
type Tx struct {
	view    *View
	read    map[string]int64  // path to revision, 0 if absent
	written map[string][]byte // path to opened bytes, nil if deleted
}

func newTx(v *View) *Tx {
	return &Tx{view: v, read: map[string]int64{}, written: map[string][]byte{}}
}

func (tx *Tx) get(path string) ([]byte, bool, error) {
	if plain, ok := tx.written[path]; ok {
		return plain, plain != nil, nil
	}
	plain, rev, err := tx.view.lookup(path)
	tx.read[path] = rev
	return plain, rev != 0, err
}

func (tx *Tx) beneath() *View { return tx.view }

func (tx *Tx) put(path string, plain []byte) {
	if plain == nil {
		plain = []byte{}
	}
	tx.written[path] = plain
}

func (tx *Tx) delete(path string) { tx.written[path] = nil }

// batch returns the checks and the sealed writes of the run.
func (tx *Tx) batch() (b Batch, err error) {
	for _, path := range slices.Sorted(maps.Keys(tx.written)) {
		w := Write{Key: []byte(path)}
		if plain := tx.written[path]; plain != nil {
			if w.Value, err = tx.view.sealer.Seal(w.Key, plain); err != nil {
				return Batch{}, err
			}
		}
		b.Writes = append(b.Writes, w)
	}
	for path, rev := range tx.read {
		b.Checks = append(b.Checks, Check{Key: []byte(path), Rev: rev})
	}
	return b, nil
}
