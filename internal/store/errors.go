package store

import (
	"errors"
	"fmt"
)

// Errors of a Commit.
var (
	// ErrConflict means that a check did not hold. Nothing was written.
	ErrConflict = errors.New("store: conflict with another transaction")

	// ErrInvalid means that a batch, a key or a table exceeds the limits. Nothing was written.
	ErrInvalid = errors.New("store: invalid")

	// ErrUnknown means that the outcome of a commit is not known. The commit may have been made, or it may be
	// made at any later time, once, or never. The Backend continues to work. Only another commit that conflicts
	// with the first one makes sure that the first one is not made later.
	ErrUnknown = errors.New("store: the outcome of a commit is not known")

	// ErrFailed means that a commit failed and the Backend accepts no more commits. Only a restart shows
	// whether the waiting commits were written.
	ErrFailed = errors.New("store: a commit failed, and no more are accepted")
)

// Errors of a Backend as a whole.
var (
	// ErrCompacted means that the Backend no longer holds changes that the watcher has not seen.
	ErrCompacted = errors.New("store: older changes are no longer available")

	// ErrTooOld means that the Backend no longer holds the revision that a View reads, because the View took too
	// long. A new View reads a newer revision.
	ErrTooOld = errors.New("store: the revision of a view is no longer available")

	// ErrRewound means that the Backend has lost changes that it had shown: it was restored from an older copy, or
	// changes were lost in a failover. The [Store] refuses everything from then on.
	ErrRewound = errors.New("store: changes are lost that this node has seen: an older copy of the data was restored, " +
		"or a standby without them took over")

	// ErrClosed means that the Backend is closed.
	ErrClosed = errors.New("store: closed")

	// ErrInUse means that another process has the data folder open.
	ErrInUse = errors.New("store: data folder is in use by another process")
)

// errNeedsView ends a run of a transaction that reads memory and needs one revision of all records.
var errNeedsView = errors.New("store: the transaction needs a view")

// errMissing is the cause of a [CorruptError] for a record that another record needs.
var errMissing = errors.New("it is missing")

// A CorruptError means that the content at Path, the path of a record or the name of a file, differs from the
// stored content. None of this content was used.
type CorruptError struct {
	Path string
	Err  error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("store: %q is corrupt: %v", e.Path, e.Err)
}

// Unwrap returns the error from opening or decoding.
func (e *CorruptError) Unwrap() error { return e.Err }
