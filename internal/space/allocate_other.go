//go:build !linux

package space

import (
	"errors"
	"math"
	"os"
)

// Allocate does nothing on this system. Without a reserve, a full disk is detected when a write fails.
func Allocate(*os.File, int64, int64) error { return nil }

// Size returns the largest possible size, because the real one is not known on this system.
func Size(string) (int64, error) { return math.MaxInt64, nil }

// Free returns errors.ErrUnsupported: the free space is not known on this system.
func Free(string) (int64, error) { return 0, errors.ErrUnsupported }
