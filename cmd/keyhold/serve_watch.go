package main

import (
	"crypto/sha256"
	"io"
	"os"

	"github.com/keyhold/keyhold/internal/settings"
)

// fileStates has what files contained when changed was last called, by their paths. Symbolic links are followed,
// because Kubernetes replaces a link to a folder when it changes a mounted file.
type fileStates map[string]fileState

type fileState struct {
	info os.FileInfo // nil if the file is missing, or not a regular file
	hash [sha256.Size]byte
}

// changed reports whether the content of one of the files has changed since the last call. A file with the inode, the
// size and the time of the last call is not read. An empty path is not a file.
func (w fileStates) changed(paths []string) (changed bool) {
	for _, path := range paths {
		if path == "" {
			continue
		}
		old, now := w[path], fileState{}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			now.info = info
		}
		switch {
		case now.info == nil:
		case old.info != nil && os.SameFile(old.info, now.info) && old.info.Size() == now.info.Size() &&
			old.info.ModTime().Equal(now.info.ModTime()):
			continue
		default:
			now.hash = hashOf(path)
		}
		changed = changed || old.hash != now.hash
		w[path] = now
	}
	return changed
}

// hashOf returns the hash of a file, or nothing if the file cannot be read.
func hashOf(path string) (sum [sha256.Size]byte) {
	f, err := os.Open(path)
	if err != nil {
		return sum
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, settings.MaxSize))
	defer clear(content) // it can be a private key
	if err != nil {
		return sum
	}
	return sha256.Sum256(content)
}
