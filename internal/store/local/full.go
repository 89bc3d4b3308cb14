package local

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/keyhold/keyhold/internal/space"
)

// isUnwritten reports whether a commit failed because there was no space for a write or for enlarging the file.
// bbolt has then rolled the commit back. A failed fsync has an unknown outcome: its error is not a
// *fs.PathError for "write".
func isUnwritten(err error) bool {
	if err == nil {
		return false
	}
	if write, ok := errors.AsType[*fs.PathError](err); ok {
		return write.Op == "write" && space.Lacks(write.Err)
	}
	text := err.Error() // bbolt does not wrap the error of ftruncate(2)
	return strings.HasPrefix(text, "file resize error: ") && strings.HasSuffix(text, syscall.ENOSPC.Error())
}

// showsRevision reports whether the file still shows revision rev, so that no meta page of a later commit was written.
func (db *DB) showsRevision(rev int64) bool {
	shown, err := revisionOf(db.bolt)
	return err == nil && shown == rev
}

// Hold implements space.Holder. Pages that are in use or free need blocks too, because a copied file may have holes.
func (db *DB) Hold(bytes int64) error {
	if err := db.full.Take(); err != nil {
		return err
	}
	used, err := db.used()
	if err != nil {
		return err
	}
	if used+bytes <= db.held {
		return nil
	}
	to := used + bytes + bytes/2 // more than necessary, so that the next calls find enough
	f, err := os.OpenFile(db.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = errors.Join(space.Allocate(f, db.held, to), f.Close())
	if err == nil {
		db.held = to
	}
	return err
}

// Hold implements space.Holder. Regardless of bytes, it reserves space for one growth of the file, and makes
// sure that every cell can be overwritten, because a copied file may have holes.
func (s *Slots) Hold(int64) error {
	if err := s.full.Take(); err != nil {
		return err
	}
	s.mu.Lock()
	to := offset(s.cells + growth)
	s.mu.Unlock()
	if to <= s.held {
		return nil
	}
	err := space.Allocate(s.file, s.held, to)
	if err == nil {
		s.held = to
	}
	return err
}
