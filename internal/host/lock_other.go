//go:build !unix

package host

import "os"

// lock does nothing on systems without flock(2). There the fence of the node stops the older of two processes.
func lock(*os.File) error { return nil }
