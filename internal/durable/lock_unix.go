//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

// Lock locks a file for this process until the file is closed. It returns [ErrInUse] if another process has it.
func Lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrInUse
	}
	return err
}
