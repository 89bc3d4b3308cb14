package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/keyhold/keyhold/internal/durable"
)

// Open reads the log backwards in steps of tailStep bytes until it has found tailStamps stamps. It needs more
// than one, because concurrent requests do not write their lines in the exact order of their stamps.
const (
	tailStep   = 1 << 20
	tailStamps = 1000
)

// Open opens the log at path for appending, or creates it with mode 0600. It removes lines at the end that a
// power failure or a full disk left incomplete, and makes the rest durable. Open refuses a file that does not
// begin like a log, and a log with an unreadable line where it looks for the newest stamp (ErrUnreadable). Only
// one process at a time may have a log open.
func Open(path string, o Options) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if f, err = finishClosing(path, f); err != nil {
		f.Close()
		return nil, fmt.Errorf("audit: %s: %w", path, err)
	}
	l, err := readLayout(FolderOf(path))
	if err != nil {
		f.Close()
		return nil, err
	}
	was, err := recoverLog(f, l, func() error { return durable.SyncFolder(filepath.Dir(path)) })
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("audit: %s: %w", path, err)
	}
	return newLog(path, f, was, o), nil
}

// A past is what a log contained when it was opened.
type past struct {
	layout   layout
	lines    *io.SectionReader // of the file
	torn     int64             // number of bytes that were removed
	revision int64             // the newest stamp
	modified time.Time         // of the file
}

// A recoverable is a log file that is being opened.
type recoverable interface {
	io.ReaderAt
	Stat() (os.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// recoverLog removes incomplete lines, makes the remaining lines and the file name durable, and finds the
// newest stamp.
func recoverLog(f recoverable, l layout, syncFolder func() error) (p past, err error) {
	size, modified, err := logSize(f)
	if err != nil {
		return p, err
	}
	end, err := removeTorn(f, size)
	if err != nil {
		return p, err
	}
	// A process that was killed may have left lines in memory only, and Since promises that lines are on the
	// disk.
	if err := errors.Join(f.Sync(), syncFolder()); err != nil {
		return p, err
	}
	p = past{layout: l, lines: io.NewSectionReader(f, 0, end), torn: size - end, modified: modified}
	stamps, revision, err := newestStamp(f, end)
	if p.revision = revision; err == nil && stamps < tailStamps {
		p.revision, err = l.newestStamp(revision)
	}
	return p, err
}

// newestStamp returns the newest stamp in the last closed segment, or the given one if that is newer.
func (l layout) newestStamp(revision int64) (int64, error) {
	last := len(l.closed) - 1
	if last < 0 {
		return revision, nil
	}
	var failed error
	l.readSegment(context.Background(), last, 0, func(at place, err error) bool {
		if err == nil {
			var stamp int64
			_, stamp, err = parseLine(at.line)
			revision = max(revision, stamp)
		}
		if err != nil {
			failed = fmt.Errorf("%w: %s, line %d: %w", ErrUnreadable, at.segment, at.number, err)
		}
		return err == nil
	})
	return revision, failed
}

// removeTorn removes the first incomplete line and everything after it, and returns the new size. Nothing that it
// removes was ever fsynced. The remaining lines do not move, so the values of End stay valid.
func removeTorn(f recoverable, size int64) (end int64, err error) {
	end, err = firstTorn(f, size)
	if err != nil || end == size {
		return size, err
	}
	return end, f.Truncate(end)
}

// newestStamp returns the newest stamp at the end of a file, or 0 if there is none, and how many stamps it has seen.
func newestStamp(log io.ReaderAt, size int64) (stamps int, revision int64, err error) {
	err = backwards(context.Background(), log, size, 0, tailStep, func(c chunk) (more bool, err error) {
		err = c.each(func(at int64, line []byte) error {
			_, stamp, err := parseLine(line)
			if err != nil {
				return unreadable(at, err)
			}
			if stamp != 0 {
				stamps++
			}
			revision = max(revision, stamp)
			return nil
		})
		return stamps < tailStamps, err
	})
	return stamps, revision, err
}

// logSize returns the size of f and when it was last written. The error is not nil if f is not a log, so that a wrong
// path in a configuration does not truncate or extend an unrelated file.
func logSize(f recoverable) (size int64, modified time.Time, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, modified, err
	}
	if !info.Mode().IsRegular() {
		return 0, modified, errors.New("not a regular file")
	}
	var first [1]byte
	if _, err := f.ReadAt(first[:], 0); err != nil && err != io.EOF {
		return 0, modified, err
	}
	// After a power failure, a file that was never fsynced may contain zeros.
	if info.Size() > 0 && first[0] != '{' && first[0] != 0 {
		return 0, modified, errors.New("not an audit log")
	}
	return info.Size(), info.ModTime(), nil
}

// since calls fn with the ID of each event that begins at offset from or later. fn may get an ID twice if the file
// is closed as a segment meanwhile.
func (p past) since(from int64, fn func(id string)) error {
	_, begin := p.layout.end()
	if from < begin {
		if err := p.sinceInSegments(from, begin, fn); err != nil {
			return err
		}
	}
	err := p.sinceInFile(from-begin, begin, fn)
	if errors.Is(err, fs.ErrClosed) {
		return p.sinceInSegments(max(from, begin), begin+p.lines.Size(), fn)
	}
	return err
}

// sinceInSegments calls fn with the ID of each event in closed segments that begins at offset from or later, and before
// the offset end. Segments may have been closed or deleted since the log was opened.
func (p past) sinceInSegments(from, end int64, fn func(id string)) error {
	now, err := readLayout(p.layout.folder)
	if err != nil {
		return err
	}
	return now.since(from, end, fn)
}

// sinceInFile calls fn with the ID of each event in the file that begins at offset from of the file or later.
func (p past) sinceInFile(from, begin int64, fn func(id string)) error {
	all, err := linesFrom(p.lines, from)
	if err != nil {
		return err
	}
	for {
		at := all.at
		line, err := all.next()
		if err == io.EOF {
			return nil
		}
		if err != nil && err != errTooLong {
			return err
		}
		if err := callWithID(line, err, begin+at, fn); err != nil {
			return err
		}
	}
}

// callWithID calls fn with the ID of the event in a line. tooLong is an error instead of the line.
func callWithID(line []byte, tooLong error, offset int64, fn func(id string)) error {
	if tooLong != nil {
		return unreadable(offset, tooLong)
	}
	id, err := ID(line)
	if err != nil {
		return unreadable(offset, err)
	}
	fn(id)
	return nil
}

// since is past.since for the events in closed segments that begin before the offset end.
func (l layout) since(from, end int64, fn func(id string)) (failed error) {
	for i, s := range l.closed {
		if s.EndByte <= from || l.begin(i) >= end || failed != nil {
			continue
		}
		l.readSegment(context.Background(), i, 0, func(at place, err error) bool {
			switch {
			case err != nil:
				failed = err
			case at.offset >= end:
				return false
			case at.offset >= from && at.line == nil:
				failed = unreadable(at.offset, errTooLong)
			case at.offset >= from:
				failed = callWithID(at.line, nil, at.offset, fn)
			}
			return failed == nil
		})
	}
	return failed
}
