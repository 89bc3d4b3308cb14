package local

import (
	"fmt"
	"runtime/debug"

	"github.com/keyhold/keyhold/internal/store"
)

// guard turns a panic of bbolt into an error that names the file. bbolt panics if the content of a page is
// wrong. Callers defer guard with faults() as its second argument.
func guard(path string, before bool, err *error) {
	debug.SetPanicOnFault(before)
	if r := recover(); r != nil {
		*err = corrupt(path, fmt.Errorf("%v", r))
	}
}

// faults makes memory faults of this goroutine panic, and returns the previous setting. A damaged page number
// may point past the end of the mapped file.
func faults() (before bool) { return debug.SetPanicOnFault(true) }

func corrupt(path string, err error) error {
	return &store.CorruptError{Path: path, Err: err}
}
