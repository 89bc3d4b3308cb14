// Package space keeps disk space in reserve, so that a full disk stops ordinary work before it stops work that
// must continue.
//
// The reserve consists of allocated blocks in the files that need them, which other writers on the volume
// cannot take. A Keeper maintains the reserve and reports when the disk is full. The package does not decide
// which work is ordinary.
package space

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
)

// ErrFull means that a write did not happen because there is no space. No part of it was written, and it can be
// retried when there is space.
var ErrFull = errors.New("no space left on the disk")

// Lacks reports whether a call such as write(2) failed for lack of space: the file system is full (ENOSPC), a
// quota is used up (EDQUOT), or the file system is read-only (EROFS). Such a call wrote no more bytes than it
// returned. Lacks must not be used for an fsync, whose outcome after a failure is unknown.
func Lacks(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// Full returns cause as an ErrFull.
func Full(cause error) error {
	if errors.Is(cause, ErrFull) {
		return cause
	}
	return fmt.Errorf("%w: %w", ErrFull, cause)
}

// A Mark records that a write met a full disk until a Keeper has taken note of it. Its methods may be called
// concurrently.
type Mark struct{ cause atomic.Pointer[error] }

// Set records the cause and returns it as an ErrFull.
func (m *Mark) Set(cause error) error {
	full := Full(cause)
	m.cause.Store(&full)
	return full
}

// Take returns the newest cause since the last Take, or nil.
func (m *Mark) Take() error {
	if full := m.cause.Swap(nil); full != nil {
		return *full
	}
	return nil
}
