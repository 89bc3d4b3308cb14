package store

import (
	"errors"
	"fmt"
)

// Errors of a Commit.
var (
	// ErrConflict: a check did not hold. Nothing was written.
	ErrConflict = errors.New("store: conflict with another transaction")

	// ErrInvalid: a batch, a key or a table breaks the limits. Nothing was
	// written.
	ErrInvalid = errors.New("store: invalid")

	// ErrFailed: the Backend met an error while it committed, and takes no more
	// commits. Whether those that waited were written shows only after a
	// restart.
	ErrFailed = errors.New("store: commit failed, no more are taken")
)

// Errors of the life of a Backend.
var (
	// ErrCompacted: changes that the watcher has not seen are gone.
	ErrCompacted = errors.New("store: older changes are no longer held")

	// ErrClosed: the Backend was closed.
	ErrClosed = errors.New("store: closed")

	// ErrInUse: another process has the data folder open.
	ErrInUse = errors.New("store: data folder is in use by another process")
)

// A CorruptError says that what stands at Path, the path of a record or the name
// of a file, is not what was stored there. Nothing of it was believed.
type CorruptError struct {
	Path string
	Err  error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("store: %q is corrupt: %v", e.Path, e.Err)
}

// Unwrap returns the error that was met in opening or decoding.
func (e *CorruptError) Unwrap() error { return e.Err }
