//go:build !unix

package main

import "math"

// descriptors returns how many file descriptors the process may have.
func descriptors() (int, error) { return math.MaxInt32, nil }
