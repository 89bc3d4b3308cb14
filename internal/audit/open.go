package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Open reads the log backwards, tailStep bytes at a time, until it has found tailStamps
// stamps. Lines are not in the exact order of their stamps: requests that run at the
// same time bring them.
const (
	tailStep   = 1 << 20
	tailStamps = 1000
)

// Open opens the log at path for appending, or creates it for its owner alone.
// Of its end, what a power failure or a full disk tore is removed; what remains
// is on the disk when Open returns. A file that does not begin like a log is
// refused, and so is a log with a line that cannot be read where the newest stamp
// is looked for (ErrUnreadable). Only one process at a time may have a log open.
func Open(path string, o Options) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	was, err := recoverLog(f, func() error { return syncFolder(filepath.Dir(path)) })
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("audit: %s: %w", path, err)
	}
	return newLog(f, was, o), nil
}

// A past is what a log holds from the time before it was opened.
type past struct {
	lines    *io.SectionReader
	torn     int64 // bytes that were removed
	revision int64 // the newest stamp
}

// A recoverable is the file of a log that is opened.
type recoverable interface {
	io.ReaderAt
	Stat() (os.FileInfo, error)
	Truncate(size int64) error
	Sync() error
}

// recoverLog removes what is torn, makes what is left and the name of the file
// durable, and looks for the newest stamp.
func recoverLog(f recoverable, syncFolder func() error) (p past, err error) {
	size, err := logSize(f)
	if err != nil {
		return p, err
	}
	end, err := mend(f, size)
	if err != nil {
		return p, err
	}
	// The lines of a process that was killed may still be in memory alone, and
	// Since promises that they are not.
	if err := errors.Join(f.Sync(), syncFolder()); err != nil {
		return p, err
	}
	p = past{lines: io.NewSectionReader(f, 0, end), torn: size - end}
	p.revision, err = newestStamp(f, end)
	return p, err
}

// mend removes the first line that is torn and all after it, and returns the size
// of what is left. That there is something torn tells that nothing from there on
// was ever fsynced; and what is left has not moved, so that an End is good for ever.
func mend(f recoverable, size int64) (end int64, err error) {
	end, err = firstTorn(f, size)
	if err != nil || end == size {
		return size, err
	}
	return end, f.Truncate(end)
}

// newestStamp returns the newest stamp at the end of a log, 0 if no line has one.
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

// logSize returns the size of f, or an error if f is no log, lest a wrong path
// in a configuration cuts or grows a file that is something else.
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
	// A file that lost its power before its first fsync may hold zeros.
	if info.Size() > 0 && first[0] != '{' && first[0] != 0 {
		return 0, errors.New("not an audit log")
	}
	return info.Size(), nil
}

// since calls fn with the ID of each event that begins at an offset or after it.
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

// syncFolder makes the name of a new file durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
