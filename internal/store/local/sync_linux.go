package local

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes the data written to f durable, with the metadata needed to read it back. It does not sync
// timestamps, which would need a journal write (fdatasync(2)).
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
