//go:build !unix

package main

import "math"

// descriptors returns the number of file descriptors that the process may have.
func descriptors() (int, error) { return math.MaxInt32, nil }
