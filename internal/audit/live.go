package audit

import (
	"io"
	"sync"
)

// Folder returns a Folder that grows with the log, and whether the log is protected. It finds the newest lines without
// reading the file again from the beginning, for a reader that goes forward.
func (l *Log) Folder() (*Folder, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledger == nil {
		return nil, false
	}
	return &Folder{path: l.path, size: l.ledger.size, seen: &seen{}}, true
}

// VerifierKey returns the key that verifies the checkpoints of the log, or "" if the log is not protected.
func (l *Log) VerifierKey() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledger == nil {
		return ""
	}
	return l.protection.VerifierKey()
}

// A seen is the place of the last line that a reader got from the file that grows.
type seen struct {
	mu            sync.Mutex
	index, offset int64
}

func (s *seen) set(index, offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index, s.offset = index, offset
}

// from returns the rest of the file that grows, the lines of which begin with index first at offset, without lines
// before index from that were read before.
func (s *seen) from(from, first, offset int64, file *io.SectionReader) (int64, int64, *io.SectionReader) {
	if s == nil {
		return first, offset, file
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	skip := s.offset - offset
	if s.index < first || s.index > from || skip <= 0 || skip > file.Size() {
		return first, offset, file
	}
	return s.index, s.offset, io.NewSectionReader(file, skip, file.Size()-skip)
}
