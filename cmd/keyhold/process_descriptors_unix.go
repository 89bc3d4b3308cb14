//go:build unix

package main

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// descriptors returns how many file descriptors the process may have. Go raises the soft
// limit to the hard one when a program starts.
func descriptors() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of file descriptors: %w", err)
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)), nil
}
