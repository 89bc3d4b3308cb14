package store

import (
	"bytes"
	"fmt"
	"slices"
)

// Validate returns an [ErrInvalid] that describes the limit that b exceeds, or nil. Every Backend calls it
// first.
func (b Batch) Validate() error {
	if len(b.Checks) > MaxBatch || len(b.Writes) > MaxBatch {
		return fmt.Errorf("%w: %d checks and %d writes in a batch of at most %d", ErrInvalid, len(b.Checks), len(b.Writes),
			MaxBatch)
	}
	if size := b.Size(); size > MaxBytes {
		return fmt.Errorf("%w: a batch of %d bytes, more than %d", ErrInvalid, size, MaxBytes)
	}
	for _, c := range b.Checks {
		if err := validKey(len(c.Key)); err != nil {
			return err
		}
	}
	for _, w := range b.Writes {
		if err := validKey(len(w.Key)); err != nil {
			return err
		}
	}
	return b.validateOnce()
}

// validateOnce returns an error if b writes a key twice. The writes of a transaction are in the order of their keys, so
// mostly a comparison of neighbours is enough.
func (b Batch) validateOnce() error {
	byKey := func(x, y Write) int { return bytes.Compare(x.Key, y.Key) }
	writes := b.Writes
	if !slices.IsSortedFunc(writes, byKey) {
		writes = slices.SortedFunc(slices.Values(writes), byKey)
	}
	for i := 1; i < len(writes); i++ {
		if bytes.Equal(writes[i-1].Key, writes[i].Key) {
			return fmt.Errorf("%w: %q written twice in a batch", ErrInvalid, writes[i].Key)
		}
	}
	return nil
}

// Size returns the number of bytes that [MaxBytes] limits: of all keys, including the keys of checks, and of all
// values.
func (b Batch) Size() (size int) {
	for _, c := range b.Checks {
		size += len(c.Key)
	}
	for _, w := range b.Writes {
		size += len(w.Key) + len(w.Value)
	}
	return size
}

// ValidateGet returns an [ErrInvalid] if one [Reader.Get] may not read so many keys. Every Backend calls it
// first.
func ValidateGet(keys [][]byte) error {
	if len(keys) > MaxBatch {
		return fmt.Errorf("%w: %d keys in a Get of at most %d", ErrInvalid, len(keys), MaxBatch)
	}
	return nil
}

func validKey(size int) error {
	if size < 1 || size > MaxKey {
		return fmt.Errorf("%w: key of %d bytes, not of 1 to %d", ErrInvalid, size, MaxKey)
	}
	return nil
}

// Change returns the Change that watchers get when b is committed at rev. It shares no bytes with b.
func (b Batch) Change(rev int64) Change {
	c := Change{Rev: rev, Keys: make([][]byte, len(b.Writes))}
	for i, w := range b.Writes {
		c.Keys[i] = bytes.Clone(w.Key)
	}
	return c
}
