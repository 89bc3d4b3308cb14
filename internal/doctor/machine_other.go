//go:build !linux

package doctor

import "errors"

// errOtherSystem means that a check is not made on this operating system.
var errOtherSystem = errors.New("this is not checked on this operating system")

func clockState() (bool, error)                { return false, errOtherSystem }
func networkFileSystem(string) (string, error) { return "", nil }
func swapActive() (bool, error)                { return false, errOtherSystem }

// LockLimit returns an error, because the limit is not known on this system.
func LockLimit() (bytes uint64, all bool, err error) { return 0, false, errOtherSystem }
