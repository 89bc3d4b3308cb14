//go:build unix

package main

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// descriptors returns the number of file descriptors that the process may have. Go raises the soft
// limit to the hard limit at the start of a program.
func descriptors() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of file descriptors: %w", err)
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)), nil
}
