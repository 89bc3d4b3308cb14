//go:build !unix

package guarded

import "io/fs"

// owner knows no users here.
func owner(fs.FileInfo) (uid int, known bool) { return 0, false }
