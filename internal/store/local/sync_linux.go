package local

import (
	"errors"
	"os"
	"syscall"
)

// syncData brings to disk what was written to f and what is needed to read it
// back, and leaves out times, which a journal would have to be written for
// (fdatasync(2)).
func syncData(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		for {
			if failed = syscall.Fdatasync(int(fd)); failed != syscall.EINTR {
				return
			}
		}
	})
	if failed != nil {
		failed = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: failed}
	}
	return errors.Join(err, failed)
}
