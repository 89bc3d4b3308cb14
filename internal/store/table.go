package store

import (
	"context"
	"fmt"
	"strings"
)

// A Table is one kind of record, declared by the package that owns T. The record at a path is stored at Prefix
// + "/" + path.
//
// Prefix must not be empty and must not contain "/". Then no two tables have a path in common, and each table
// is a range of its own: "keys/" and everything that begins with it sorts before "keys0", and "keys2/" after.
type Table[T any] struct {
	Prefix string
	Codec  Codec[T]
}

// A Record is a value and its path within its table.
type Record[T any] struct {
	Path  string
	Value T
}

// Get returns the record at path, and whether it exists. A value that does not open or decode returns a
// [*CorruptError].
func (t Table[T]) Get(from Getter, path string) (v T, ok bool, err error) {
	key, err := t.key(path)
	if err != nil {
		return v, false, err
	}
	plain, ok, err := from.get(key)
	if err != nil || !ok {
		return v, false, err
	}
	v, err = t.decode(key, plain)
	return v, err == nil, err
}

// GetAll returns the records at the paths that exist, by path. It reads all of them in one round trip.
func (t Table[T]) GetAll(from Getter, paths ...string) (map[string]T, error) {
	refs := make([]Ref, len(paths))
	for i, path := range paths {
		key, err := t.key(path)
		if err != nil {
			return nil, err
		}
		refs[i].key = key
	}
	if err := from.fetch(refs...); err != nil {
		return nil, err
	}
	found := make(map[string]T, len(paths))
	for _, path := range paths {
		v, ok, err := t.Get(from, path)
		if err != nil {
			return nil, err
		}
		if ok {
			found[path] = v
		}
	}
	return found, nil
}

// A Ref names a record of any table, and its second part if it is the first part of a Joined record.
type Ref struct{ key, second string }

// Ref returns the name of the record at path.
func (t Table[T]) Ref(path string) Ref { return Ref{key: t.Prefix + "/" + path} }

// Fetch reads records in one round trip, so that the next Get of each needs none. A Tx checks only the records that
// it gets.
func Fetch(from Getter, refs ...Ref) error { return from.fetch(refs...) }

// Covered reads the guard at path, present or absent, and returns the View behind from. The guard covers
// reads in this View: every transaction that changes the records that are read there must also write the guard.
// The Tx then checks the guard instead of these records. The View does not show the writes of the Tx.
func (t Table[T]) Covered(from Getter, path string) (*View, error) {
	key, err := t.key(path)
	if err != nil {
		return nil, err
	}
	if _, _, err := from.get(key); err != nil {
		return nil, err
	}
	return from.beneath()
}

// Latest returns the record at path, as of some moment during the call, and whether it existed. It is for
// single records that are read often: if possible, the value comes from memory, where it is shared and must not
// be modified. Latest notes the read in r, unless r is nil. Latest returns the errors of Get and [Store.View].
func (t Table[T]) Latest(ctx context.Context, s *Store, path string, r *Reads) (v T, ok bool, err error) {
	key, err := t.key(path)
	if err != nil {
		return v, false, err
	}
	kept := s.cache.entry(key)
	if v, ok := kept.value.(T); ok {
		r.Note(kept.written)
		return v, true, nil
	}
	if v, ok := t.recall(s, key, r); ok {
		return v, true, nil
	}
	return t.read(ctx, s, key, r)
}

// recall returns the record at key if memory has its item.
func (t Table[T]) recall(s *Store, key string, r *Reads) (v T, ok bool) {
	kept := s.cache.entry(key)
	if kept.item.Value == nil {
		return v, false
	}
	plain, err := kept.item.plain(s.sealer)
	if err == nil {
		v, err = t.Codec.Decode(plain)
	}
	if err != nil {
		return v, false // the read from the Backend returns the error
	}
	r.Note(kept.written)
	kept.value, kept.size = v, footprint(v)
	s.cache.put(key, kept)
	return v, true
}

// Newest is Latest from a View, never from memory.
func (t Table[T]) Newest(ctx context.Context, s *Store, path string, r *Reads) (v T, ok bool, err error) {
	key, err := t.key(path)
	if err != nil {
		return v, false, err
	}
	return t.read(ctx, s, key, r)
}

// read returns the record from a View and adds it to the cache.
func (t Table[T]) read(ctx context.Context, s *Store, key string, r *Reads) (v T, ok bool, err error) {
	own := r.another()
	err = s.viewOnce(ctx, func(view *View) error {
		view.Record(own)
		plain, written, err := view.lookup(key)
		if ok = written != 0; err != nil || !ok {
			return err
		}
		if v, err = t.decode(key, plain); err == nil {
			s.cache.put(key, cached{value: v, rev: view.Rev(), written: written, size: footprint(v)})
		}
		return err
	})
	r.add(own)
	return v, ok && err == nil, err
}

// Put creates or replaces the record at path.
func (t Table[T]) Put(tx *Tx, path string, v T) error {
	key, err := t.key(path)
	if err != nil {
		return err
	}
	plain, err := t.Codec.Encode(v)
	if err != nil {
		return fmt.Errorf("store: encode %q: %w", key, err)
	}
	tx.put(key, plain)
	return nil
}

// Insert creates the record at path. The transaction conflicts if the record exists. Insert does not read it.
func (t Table[T]) Insert(tx *Tx, path string, v T) error {
	if err := t.Expect(tx, path, 0); err != nil {
		return err
	}
	return t.Put(tx, path, v)
}

// Expect makes the transaction conflict unless the last write of the record at path has revision rev, or the
// record is absent if rev is 0. Expect does not read the record.
func (t Table[T]) Expect(tx *Tx, path string, rev int64) error {
	key, err := t.key(path)
	if err == nil {
		tx.read[key] = rev
	}
	return err
}

// Revision returns the revision of the last write of the record at path, or 0 if the record is absent. It does
// not see the writes of a Tx.
func (t Table[T]) Revision(from Getter, path string) (int64, error) {
	key, err := t.key(path)
	if err != nil {
		return 0, err
	}
	if _, _, err := from.get(key); err != nil { // so that a Tx checks the record
		return 0, err
	}
	item, err := from.item(key)
	return item.Rev, err
}

// Delete deletes the record at path if it exists.
func (t Table[T]) Delete(tx *Tx, path string) error {
	key, err := t.key(path)
	if err != nil {
		return err
	}
	tx.delete(key)
	return nil
}

// Scan returns at most limit records whose paths begin with under and sort after after, in the order of the
// bytes of their paths. If after is "", it begins with the first one. To read the next page, pass the path of
// the last record as after.
func (t Table[T]) Scan(v *View, under, after string, limit int) ([]Record[T], error) {
	return t.scan(v, under, after, limit, t.record)
}

// ScanKept is Scan for records that are read often. It keeps the values in memory, where they are shared and
// must not be modified, and opens only records that memory does not have in their present revision.
func (t Table[T]) ScanKept(v *View, under, after string, limit int) ([]Record[T], error) {
	return t.scan(v, under, after, limit, t.recordKept)
}

func (t Table[T]) scan(v *View, under, after string, limit int,
	record func(v *View, root string, item Item) (Record[T], error)) ([]Record[T], error) {
	root, err := t.root()
	if err != nil {
		return nil, err
	}
	from, to := root+under, end(root+under)
	if after != "" {
		from = max(from, root+after+"\x00")
	}
	items, err := v.reader.Scan([]byte(from), []byte(to), limit)
	if err != nil {
		return nil, err
	}
	v.noteRange(root+under, items)
	records := make([]Record[T], len(items))
	for i, item := range items {
		if records[i], err = record(v, root, item); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// recordKept is record with the cache of the Store.
func (t Table[T]) recordKept(v *View, root string, item Item) (Record[T], error) {
	key := string(item.Key)
	if kept := v.cache.entry(key); kept.written == item.Rev {
		if value, ok := kept.value.(T); ok {
			return Record[T]{strings.TrimPrefix(key, root), value}, nil
		}
	}
	r, err := t.record(v, root, item)
	if err == nil {
		v.cache.put(key, cached{value: r.Value, rev: v.Rev(), written: item.Rev, size: footprint(r.Value)})
	}
	return r, err
}

func (t Table[T]) record(v *View, root string, item Item) (r Record[T], err error) {
	plain, err := v.open(item)
	if err != nil {
		return r, err
	}
	key := string(item.Key)
	r.Path = strings.TrimPrefix(key, root)
	r.Value, err = t.decode(key, plain)
	return r, err
}

func (t Table[T]) decode(key string, plain []byte) (T, error) {
	v, err := t.Codec.Decode(plain)
	if err != nil {
		return *new(T), &CorruptError{Path: key, Err: err}
	}
	return v, nil
}

// root returns the beginning of the keys of all records of the table.
func (t Table[T]) root() (string, error) {
	if t.Prefix == "" || strings.Contains(t.Prefix, "/") {
		return "", fmt.Errorf("%w: table prefix %q", ErrInvalid, t.Prefix)
	}
	return t.Prefix + "/", nil
}

func (t Table[T]) key(path string) (string, error) {
	root, err := t.root()
	if err != nil {
		return "", err
	}
	if path == "" {
		return "", fmt.Errorf("%w: empty path in table %q", ErrInvalid, t.Prefix)
	}
	return root + path, validKey(len(root + path))
}

// end returns the first string that sorts after all strings that begin with s. s contains "/", therefore a byte
// below 0xff.
func end(s string) string {
	for s[len(s)-1] == 0xff {
		s = s[:len(s)-1]
	}
	return s[:len(s)-1] + string([]byte{s[len(s)-1] + 1})
}
