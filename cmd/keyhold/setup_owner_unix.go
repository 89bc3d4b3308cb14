//go:build unix

package main

import (
	"io/fs"
	"syscall"
)

// hasSecondName reports whether a file has more names than one.
func hasSecondName(info fs.FileInfo) bool {
	of, ok := info.Sys().(*syscall.Stat_t)
	return ok && of.Nlink > 1
}

// belongsTo reports whether a file belongs to a user and a group.
func belongsTo(info fs.FileInfo, uid, gid int) bool {
	of, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(of.Uid) == uid && int(of.Gid) == gid
}
