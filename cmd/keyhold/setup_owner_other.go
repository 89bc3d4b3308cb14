//go:build !unix

package main

import "io/fs"

// hasSecondName reports whether a file has more names than one. Only root gives files away, so the answer is not used.
func hasSecondName(fs.FileInfo) bool { return false }

// belongsTo reports whether a file belongs to a user and a group.
func belongsTo(fs.FileInfo, int, int) bool { return false }
