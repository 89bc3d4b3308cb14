// Package space keeps disk space in reserve, so that a full disk stops ordinary work
// before it stops the work that has to go on.
//
// The reserve is blocks in the files that need them: another writer on the volume
// cannot take these blocks. A Keeper looks after the reserve and reports when the
// disk is full. The package does not decide which work is ordinary.
package space

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
)

// ErrFull means that something was not written because there is no space for it.
// Nothing of it happened, and it may be tried again when there is space.
var ErrFull = errors.New("no space left for it on the disk")

// Lacks reports whether a call such as write(2) failed for lack of space: the file
// system is full (ENOSPC), a quota is used up (EDQUOT), or the file system takes no
// writes (EROFS). Such a call wrote no more than it returned. Lacks must not be asked
// about an fsync: the outcome of an fsync that failed is unknown, whatever the error is.
func Lacks(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// Full returns the cause as an ErrFull.
func Full(cause error) error {
	if errors.Is(cause, ErrFull) {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrFull, cause)
}

// A Mark remembers that a write met a full disk until a Keeper has heard of it. It is
// safe for concurrent use.
type Mark struct{ cause atomic.Pointer[error] }

// Set remembers the cause and returns it as an ErrFull.
func (m *Mark) Set(cause error) error {
	full := Full(cause)
	m.cause.Store(&full)
	return full
}

// Take returns the newest cause that was Set since the last Take, or nil.
func (m *Mark) Take() error {
	if full := m.cause.Swap(nil); full != nil {
		return *full
	}
	return nil
}
