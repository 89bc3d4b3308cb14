//go:build unix

package host

import (
	"errors"
	"os"
	"syscall"

	"github.com/keyhold/keyhold/internal/store"
)

// lock locks a file for this process until the file is closed. It returns [store.ErrInUse] if another process has it.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return store.ErrInUse
	}
	return err
}
