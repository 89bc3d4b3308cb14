//go:build !linux

package local

import "os"

// syncData brings to disk what was written to f.
func syncData(f *os.File) error { return f.Sync() }
