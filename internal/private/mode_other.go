//go:build !linux

package private

import "syscall"

// closeToOthers does nothing: the mode of the file is changed when the socket has its path.
func closeToOthers(string, string, syscall.RawConn) error { return nil }
