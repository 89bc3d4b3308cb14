package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

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
	was, err := recoverLog(f, func() error { return durable.SyncFolder(filepath.Dir(path)) })
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("audit: %s: %w", path, err)
	}
	return newLog(f, was, o), nil
}

// A past is what a log contained when it was opened.
type past struct {
	lines    *io.SectionReader
	torn     int64 // number of bytes that were removed
	revision int64 // the newest stamp
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
func recoverLog(f recoverable, syncFolder func() error) (p past, err error) {
	size, err := logSize(f)
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
	p = past{lines: io.NewSectionReader(f, 0, end), torn: size - end}
	p.revision, err = newestStamp(f, end)
	return p, err
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

// newestStamp returns the newest stamp at the end of a log, or 0 if there is none.
func newestStamp(log io.ReaderAt, size int64) (revision int64, err error) {
	stamps := 0
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
	return revision, err
}

// logSize returns the size of f, or an error if f is not a log, so that a wrong path in a configuration does
// not truncate or extend an unrelated file.
func logSize(f recoverable) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, errors.New("not a regular file")
	}
	var first [1]byte
	if _, err := f.ReadAt(first[:], 0); err != nil && err != io.EOF {
		return 0, err
	}
	// After a power failure, a file that was never fsynced may contain zeros.
	if info.Size() > 0 && first[0] != '{' && first[0] != 0 {
		return 0, errors.New("not an audit log")
	}
	return info.Size(), nil
}

// since calls fn with the ID of each event that begins at offset from or later.
func (p past) since(from int64, fn func(id string)) error {
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
		id := ""
		if err == nil {
			id, err = ID(line)
		} else if err != errTooLong {
			return err
		}
		if err != nil {
			return unreadable(at, err)
		}
		fn(id)
	}
}
