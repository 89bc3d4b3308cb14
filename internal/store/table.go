package store

import (
	"context"
	"fmt"
	"strings"
)

// A Table is one kind of record, declared by the owner of T. The record at a
// path is stored at Prefix + "/" + path.
//
// Prefix is not empty and holds no "/", so that no path of one table is a path
// of another, and each table is a range of its own: "keys/" and all that begins
// with it sorts before "keys0", and "keys2/" after.
type Table[T any] struct {
	Prefix string
	Codec  Codec[T]
}

// A Record is a value and its path within its table.
type Record[T any] struct {
	Path  string
	Value T
}

// Get returns the record at path and whether there is one. A value that does not
// open or decode is a [*CorruptError].
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

// Covered reads the guard at path, present or absent, and returns the View beneath from.
// The guard covers reads in this View: every transaction that changes the records that
// are read there must also write the guard. So a Tx checks the guard in place of them.
// The View does not show the writes of the Tx.
func (t Table[T]) Covered(from Getter, path string) (*View, error) {
	key, err := t.key(path)
	if err != nil {
		return nil, err
	}
	if _, _, err := from.get(key); err != nil {
		return nil, err
	}
	return from.beneath(), nil
}

// Latest returns the record at path, as it was at some moment of the call, and
// whether there was one. It is for a single record that is read often: it comes
// from memory if it can, where it is shared, and must not be changed. The errors
// are those of Get and [Store.View].
func (t Table[T]) Latest(ctx context.Context, s *Store, path string) (v T, ok bool, err error) {
	key, err := t.key(path)
	if err != nil {
		return v, false, err
	}
	if v, ok := s.cache.get(key).(T); ok {
		return v, true, nil
	}
	return t.read(ctx, s, key)
}

// read is Latest of what is not in memory yet.
func (t Table[T]) read(ctx context.Context, s *Store, key string) (v T, ok bool, err error) {
	err = s.View(ctx, func(view *View) error {
		plain, written, err := view.lookup(key)
		if ok = written != 0; err != nil || !ok {
			return err
		}
		if v, err = t.decode(key, plain); err == nil {
			s.cache.put(key, cached{v, view.Rev(), written, footprint(v)})
		}
		return err
	})
	return v, ok && err == nil, err
}

// Put writes the record at path, whether there is one or not.
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

// Delete deletes the record at path, if there is one.
func (t Table[T]) Delete(tx *Tx, path string) error {
	key, err := t.key(path)
	if err != nil {
		return err
	}
	tx.delete(key)
	return nil
}

// Scan returns the records whose paths begin with under and sort after after,
// in the order of their paths' bytes, limit of them at most. An after of "" is
// the start. The path of the last record is the after of the next page.
func (t Table[T]) Scan(v *View, under, after string, limit int) ([]Record[T], error) {
	return t.scan(v, under, after, limit, t.record)
}

// ScanKept is Scan of records that are read often. It keeps them in memory, where they are
// shared and must not be changed, and opens only those that are not there as they stand.
func (t Table[T]) ScanKept(v *View, under, after string, limit int) ([]Record[T], error) {
	return t.scan(v, under, after, limit, t.recordKept)
}

func (t Table[T]) scan(v *View, under, after string, limit int, record func(v *View, root string, item Item) (Record[T], error)) ([]Record[T], error) {
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
	records := make([]Record[T], len(items))
	for i, item := range items {
		if records[i], err = record(v, root, item); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// recordKept is record, by way of the memory of the Store.
func (t Table[T]) recordKept(v *View, root string, item Item) (Record[T], error) {
	key := string(item.Key)
	if kept := v.cache.entry(key); kept.written == item.Rev {
		if value, ok := kept.value.(T); ok {
			return Record[T]{strings.TrimPrefix(key, root), value}, nil
		}
	}
	r, err := t.record(v, root, item)
	if err == nil {
		v.cache.put(key, cached{r.Value, v.Rev(), item.Rev, footprint(r.Value)})
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

// root is what the key of every record of the table begins with.
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

// end returns the first string after all that begin with s, which holds a "/"
// and so a byte that can be counted up.
func end(s string) string {
	for s[len(s)-1] == 0xff {
		s = s[:len(s)-1]
	}
	return s[:len(s)-1] + string([]byte{s[len(s)-1] + 1})
}
