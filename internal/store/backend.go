// Package store keeps sealed records in optimistic transactions over a small
// Backend.
//
// A [Backend] is an ordered map of bytes with revisions. A [Store] runs
// transactions over it, and seals and opens every value with the path it stands
// at. A [Table] is one kind of record, declared by the owner of its type.
//
// The package holds no key, does no I/O of its own, and does not know what any
// record means. It keeps no index: whoever needs one writes it as records, in
// the transaction of what is indexed.
package store

import "context"

// Limits of a [Batch], which every Backend can carry.
const (
	MaxBatch = 128  // checks, and writes, of one Batch: what etcd carries unless it is told otherwise
	MaxKey   = 1024 // bytes of a key, which has at least one
)

// A Backend is an ordered map of bytes whose every commit has a revision.
//
// A View begun after Commit has returned a revision, or after Watch has
// delivered it, sees that revision or a later one. Nothing is seen by View or
// Watch before it is as durable as the Backend makes it.
//
// After Close every method returns [ErrClosed]. Package storetest holds the
// conformance suite.
type Backend interface {
	// View runs fn over one revision, however long fn pages through it. fn must
	// not wait for a Commit. The error of fn is returned as it is.
	View(ctx context.Context, fn func(Reader) error) error

	// Commit makes all writes of b if all of its checks hold, and otherwise
	// none, with [ErrConflict]. It returns the revision of the writes; those of
	// a Backend grow, not always by one. A Batch without writes is only checked,
	// and the revision is that at which the checks held. A Batch that breaks the
	// limits gets [ErrInvalid].
	//
	// An error of ctx means that nothing was written: ctx is looked at only
	// until the Batch is queued, and then its outcome is waited for. After
	// [ErrFailed] the outcome is unknown. b is read only until Commit returns.
	Commit(ctx context.Context, b Batch) (rev int64, err error)

	// Watch calls fn with every change whose revision is greater than after, in
	// order and without a gap, until ctx ends or fn returns an error, and
	// returns that error. [ErrCompacted] means that the Backend no longer holds
	// all of those changes, or never reached after: whoever keeps copies drops
	// them, and watches again from the revision of a View.
	Watch(ctx context.Context, after int64, fn func(Change) error) error

	// Close lets every View and Commit that has begun come to its end, and ends
	// every Watch. It must not be called inside a View.
	Close() error
}

// A Reader reads one revision, within the View that gave it. The bytes that it
// returns are copies and belong to the caller, for as long as he wants.
type Reader interface {
	// Rev returns the revision of the last commit that this View sees, 0 if
	// there was none.
	Rev() int64

	// Get returns the item of a key. An absent one has Rev 0 and no Value; a
	// Value of no bytes is present.
	Get(key []byte) (Item, error)

	// Scan returns the items from from (inclusive) to to (exclusive) in the
	// order of their keys' bytes, limit of them at most. A nil from is the
	// first key, a nil to is past the last. A limit under 1 gives none.
	Scan(from, to []byte, limit int) ([]Item, error)
}

// An Item is a key and what stands there.
type Item struct {
	Key, Value []byte
	Rev        int64 // revision of its last write; 0: absent
}

// A Check demands that the last write of a key was that of Rev, or with Rev 0
// that the key is absent.
type Check struct {
	Key []byte
	Rev int64
}

// A Write puts a value at a key. A nil Value deletes the key, absent or not; an
// empty one that is not nil is a value.
type Write struct {
	Key, Value []byte
}

// A Batch is what one Commit checks and writes: [MaxBatch] of each at most, and
// no key written twice.
type Batch struct {
	Checks []Check
	Writes []Write
}

// A Change names the keys that one revision wrote or deleted, in the order of
// its Batch. Every watcher gets the same slices, and must not modify them.
type Change struct {
	Rev  int64
	Keys [][]byte
}

// A Sealer encrypts and authenticates the value of a record together with the
// path at which it stands, so that a value moved elsewhere does not open.
type Sealer interface {
	// Seal returns plaintext sealed for path: new bytes, never none.
	Seal(path, plaintext []byte) (sealed []byte, err error)

	// Open returns what was sealed for the same path, and an error if sealed is
	// anything else.
	Open(path, sealed []byte) ([]byte, error)
}
