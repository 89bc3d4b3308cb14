//go:build !unix

package durable

import "os"

// Lock does nothing on systems without flock(2).
func Lock(*os.File) error { return nil }
