//go:build !linux

package doctor

import (
	"errors"
	"io/fs"
)

// errOtherSystem means that a check is not made on this operating system.
var errOtherSystem = errors.New("this is not checked on this operating system")

func clockState() (bool, error)                  { return false, errOtherSystem }
func owner(fs.FileInfo) (uid int, known bool)    { return 0, false }
func diskOf(string) (free, total int64, _ error) { return 0, 0, errOtherSystem }
func networkFileSystem(string) (string, error)   { return "", nil }
func swapActive() (bool, error)                  { return false, errOtherSystem }
func mayLockMemory() (bool, error)               { return false, errOtherSystem }
