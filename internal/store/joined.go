package store

import "context"

// A Joined is one kind of record that is stored in one or two parts, at the same path of two tables. Every transaction
// that writes or deletes the second part must also write or delete the first part. Therefore a Tx that reads both
// parts checks only the first part.
type Joined[T, U any] struct {
	First  Table[T]
	Second Table[U]
	Whole  func(T) bool // reports whether the record has no second part
	Join   func(T, U) T // returns the whole record; without a second part, U is the zero value
}

// whole is the type of a whole record in the cache. Table.Latest must not take it for the first part.
type whole[T any] struct{ value T }

// Get returns the whole record at path, and whether it exists. It reads both parts in one round trip. A record
// without its second part is corrupt.
func (j Joined[T, U]) Get(from Getter, path string) (v T, ok bool, err error) {
	if _, err := j.First.key(path); err != nil {
		return v, false, err
	}
	second, err := j.Second.key(path)
	if err != nil {
		return v, false, err
	}
	if err := from.fetch(j.Refs(path)...); err != nil {
		return v, false, err
	}
	if v, ok, err = j.First.Get(from, path); err != nil || !ok {
		return v, false, err
	}
	var rest U
	if !j.Whole(v) {
		rest, err = j.rest(from, second)
	}
	if err != nil {
		return *new(T), false, err
	}
	return j.Join(v, rest), true, nil
}

// Refs returns the names of both parts of the record at path.
func (j Joined[T, U]) Refs(path string) []Ref {
	first, second := j.First.Ref(path), j.Second.Ref(path)
	first.second = second.key
	return []Ref{first, second}
}

// rest returns the second part, which the first part covers.
func (j Joined[T, U]) rest(from Getter, key string) (rest U, err error) {
	plain, ok, err := from.peek(key)
	if err != nil {
		return rest, err
	}
	if !ok {
		return rest, &CorruptError{Path: key, Err: errMissing}
	}
	return j.Second.decode(key, plain)
}

// Latest is [Table.Latest] for whole records.
func (j Joined[T, U]) Latest(ctx context.Context, s *Store, path string, r *Reads) (v T, ok bool, err error) {
	key, err := j.First.key(path)
	if err != nil {
		return v, false, err
	}
	kept := s.cache.entry(key)
	if w, ok := kept.value.(whole[T]); ok {
		r.Note(kept.written)
		return w.value, true, nil
	}
	if v, ok := j.recall(s, key, r); ok {
		return v, true, nil
	}
	return j.read(ctx, s, path, key, r)
}

// recall returns the record at key if memory has the items of its parts.
func (j Joined[T, U]) recall(s *Store, key string, r *Reads) (v T, ok bool) {
	kept := s.cache.entry(key)
	v, ok = decodeKnown(j.First, s.sealer, kept.item)
	var rest U
	if ok && !j.Whole(v) {
		rest, ok = decodeKnown(j.Second, s.sealer, kept.second)
	}
	if !ok {
		return v, false
	}
	r.Note(kept.written)
	v = j.Join(v, rest)
	kept.value, kept.size = whole[T]{v}, footprint(v)
	s.cache.put(key, kept)
	return v, true
}

// decodeKnown decodes an item of memory. ok is false if memory does not have the item, or if it does not decode: then
// the read from the Backend returns the error.
func decodeKnown[T any](t Table[T], s Sealer, item known) (v T, ok bool) {
	if item.Value == nil {
		return v, false
	}
	plain, err := item.plain(s)
	if err == nil {
		v, err = t.Codec.Decode(plain)
	}
	return v, err == nil
}

// Newest is [Table.Newest] for whole records.
func (j Joined[T, U]) Newest(ctx context.Context, s *Store, path string, r *Reads) (v T, ok bool, err error) {
	key, err := j.First.key(path)
	if err != nil {
		return v, false, err
	}
	return j.read(ctx, s, path, key, r)
}

// read returns the whole record from a View and adds it to the cache, under the key of its first part.
func (j Joined[T, U]) read(ctx context.Context, s *Store, path, key string, r *Reads) (v T, ok bool, err error) {
	own := r.another()
	err = s.viewOnce(ctx, func(view *View) error {
		view.Record(own)
		if v, ok, err = j.Get(view, path); err != nil || !ok {
			return err
		}
		item, err := view.item(key)
		s.cache.put(key, cached{value: whole[T]{v}, rev: view.Rev(), written: item.Rev, size: footprint(v)})
		return err
	})
	r.add(own)
	return v, ok && err == nil, err
}
