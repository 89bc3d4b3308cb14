package space

import (
	"errors"
	"os"
	"syscall"
)

// keepSize is FALLOC_FL_KEEP_SIZE of fallocate(2).
const keepSize = 1

// Allocate makes the file system allocate blocks for a range of f, which may lie beyond the end of f. The size
// and content of f do not change. On a file system that cannot allocate in advance, Allocate checks that enough
// bytes are free. If there is too little space, Lacks reports true for the error.
func Allocate(f *os.File, from, to int64) error {
	return control(f, "fallocate", func(fd int) error {
		err := syscall.Fallocate(fd, keepSize, from, to-from)
		for errors.Is(err, syscall.EINTR) {
			err = syscall.Fallocate(fd, keepSize, from, to-from)
		}
		if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) {
			return enoughFree(fd, to-from)
		}
		return err
	})
}

// enoughFree returns ENOSPC if fewer bytes are free on the file system.
func enoughFree(fd int, bytes int64) error {
	var s syscall.Statfs_t
	if err := syscall.Fstatfs(fd, &s); err != nil {
		return err
	}
	if int64(s.Bavail)*s.Bsize < bytes {
		return syscall.ENOSPC
	}
	return nil
}

func control(f *os.File, call string, do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := c.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	if failed != nil {
		return &os.PathError{Op: call, Path: f.Name(), Err: failed}
	}
	return nil
}

// Size returns the size in bytes of the volume that contains dir.
func Size(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(s.Blocks) * s.Bsize, nil
}

// Free returns the bytes on the volume that contains dir that the process may use.
func Free(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return int64(s.Bavail) * s.Bsize, nil
}
