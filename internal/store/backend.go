// Package store runs optimistic transactions over sealed records in a small Backend.
//
// A [Backend] is an ordered map of bytes with revisions. A [Store] runs transactions over a Backend, and seals
// and opens every value together with its path. A [Table] is one kind of record, declared by the package that
// owns its type.
//
// The package holds no keys, does no I/O of its own, and does not know the meaning of records. It maintains no
// indexes: the owner of a record writes index records in the same transaction.
package store

import "context"

// Limits of a [Batch]. Every Backend supports them.
const (
	MaxBatch = 128     // checks in a Batch, and writes in a Batch; the default limit of etcd
	MaxBytes = 1 << 20 // bytes of all keys and values in a Batch; etcd accepts half as much again by default
	MaxKey   = 1024    // maximum length of a key in bytes; the minimum is 1
)

// A Backend is an ordered map of bytes. Every commit has a revision.
//
// A View that begins after Commit has returned a revision, or after Watch has delivered it, sees this revision
// or a later one. View and Watch show a change only when it is as durable as the Backend makes it.
//
// After Close, every method returns [ErrClosed]. Package storetest contains the conformance suite.
type Backend interface {
	// View runs fn over one revision. fn must not wait for a Commit. View returns the error of fn unchanged. If
	// fn takes so long that the Backend no longer holds the revision, the methods of the Reader return
	// [ErrTooOld]. A Backend holds each revision for at least an hour.
	View(ctx context.Context, fn func(Reader) error) error

	// Commit makes all writes of b if all checks of b hold. Otherwise it makes none of them and returns
	// [ErrConflict]. It returns the revision of the writes. Revisions increase, but not always by one. Batches
	// that are committed at the same time can have one revision, if none checks or writes what an earlier one
	// of them writes; the Change of the revision then lists the keys of all of them. A Batch
	// without writes is only checked, and the result is the revision at which the checks held. A Batch that
	// only deletes absent keys may be treated like a Batch without writes. A Batch that exceeds the limits
	// returns [ErrInvalid].
	//
	// A Batch is applied at most once. After [ErrUnknown], it may be applied at any later time, and the Backend
	// continues to work. After [ErrFailed], the outcome is unknown too, and the Backend accepts no more commits.
	// After any other error, nothing was written and nothing will be. In particular, Commit returns an error of
	// ctx only if it has not passed the Batch on. A View that begins after ErrConflict sees the change that
	// caused it. Commit does not use b after it returns.
	Commit(ctx context.Context, b Batch) (rev int64, err error)

	// Watch calls fn with every change whose revision is greater than after, in order and without gaps. It ends
	// when ctx ends or fn returns an error, and returns this error. [ErrCompacted] means that the Backend no
	// longer holds all of these changes, or has not reached revision after. A caller that keeps copies of
	// records must then drop them and watch again from the revision of a View.
	//
	// A Change without Keys changes nothing: it says that fn was called with all changes up to its revision. After
	// a View of a revision, fn is soon called with a Change of this revision or a later one, unless after is not
	// lower.
	Watch(ctx context.Context, after int64, fn func(Change) error) error

	// Close waits for running Views and Commits, and ends every Watch. It must not be called inside a View.
	Close() error
}

// A NewestGetter is a Backend that needs one round trip for the newest items, and not two for a View and its Get.
type NewestGetter interface {
	// GetNewest returns what the Get of a View that begins now returns, and the revision of the View.
	GetNewest(ctx context.Context, keys ...[]byte) (items []Item, rev int64, err error)
}

// A Reader reads one revision, during the View that created it. The bytes that it returns are copies that
// belong to the caller, also after the View.
type Reader interface {
	// Rev returns the revision of the last commit that this View sees. The revision of an empty Backend can be
	// any number from 0 on, because several stores can share an engine.
	Rev() int64

	// Get returns the items of at most [MaxBatch] keys, in one round trip and in the order of the keys, which
	// may repeat. If a key is absent, the Rev of its item is 0 and Value is nil. An empty Value is present.
	// More keys return [ErrInvalid].
	Get(keys ...[]byte) ([]Item, error)

	// Scan returns at most limit items, from from (inclusive) to to (exclusive), in the order of the bytes of
	// their keys. A nil from means the first key, a nil to means the end. A limit below 1 returns no items.
	Scan(from, to []byte, limit int) ([]Item, error)
}

// An Item is a key and its value.
type Item struct {
	Key, Value []byte
	Rev        int64 // revision of its last write; 0 means absent
}

// ReadItem returns the item of one key.
func ReadItem(r Reader, key []byte) (Item, error) {
	items, err := r.Get(key)
	if err != nil {
		return Item{}, err
	}
	return items[0], nil
}

// A Check requires that the last write of a key has revision Rev, or that the key is absent if Rev is 0.
type Check struct {
	Key []byte
	Rev int64
}

// A Write sets the value of a key. A nil Value deletes the key if it is present. An empty Value that is not nil
// is a value.
type Write struct {
	Key, Value []byte
}

// A Batch is the input of one Commit: at most [MaxBatch] checks and [MaxBatch] writes, each write to a
// different key, of at most [MaxBytes].
type Batch struct {
	Checks []Check
	Writes []Write
}

// A Change lists the keys that one revision wrote or deleted, in the order of its Batch. Keys that the Batch
// deleted and that were absent may be missing. All watchers get the same slices and must not modify them.
type Change struct {
	Rev  int64
	Keys [][]byte
}

// A Sealer encrypts and authenticates the value of a record together with its path. A value that is moved to
// another path does not open.
type Sealer interface {
	// Seal returns plaintext sealed for path, in a new slice that is not empty.
	Seal(path, plaintext []byte) (sealed []byte, err error)

	// Open returns the plaintext of a value that was sealed for this path, and an error for anything else. If
	// the value may open later, the error has a method Temporary that returns true.
	Open(path, sealed []byte) ([]byte, error)
}

// An AllSealer is a Sealer that seals several values together for less than one after the other.
type AllSealer interface {
	Sealer
	// SealAll seals each of plaintexts for the path with the same index, like Seal.
	SealAll(paths, plaintexts [][]byte) (sealed [][]byte, err error)
}

// temporary is an error of a [Sealer] that does not mean that a value is corrupt.
type temporary interface {
	error
	Temporary() bool
}
