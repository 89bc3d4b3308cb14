package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// tailSize is how far back Open looks for the newest stamp: some 1,500 events, 8
// at the least.
const tailSize = 1 << 20

// Open opens the log at path for appending, or creates it for its owner alone.
// Of its end, what a power failure or a full disk tore is removed; what remains
// is on the disk when Open returns. A file that does not begin like a log is
// refused. Only one process at a time may have a log open.
func Open(path string, o Options) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	was, err := takeUp(f)
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
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

func takeUp(f *os.File) (p past, err error) {
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
	if err := f.Sync(); err != nil {
		return p, err
	}
	p = past{lines: io.NewSectionReader(f, 0, end), torn: size - end}
	err = p.since(end-tailSize, func(_ string, revision int64) { p.revision = max(p.revision, revision) })
	return p, err
}

// mend removes the first line that is torn and all after it, and returns the size
// of what is left. That there is something torn tells that nothing from there on
// was ever fsynced; and what is left has not moved, so that an End is good for ever.
func mend(f *os.File, size int64) (end int64, err error) {
	end, err = firstTorn(f, size)
	if err != nil || end == size {
		return size, err
	}
	return end, f.Truncate(end)
}

// logSize returns the size of f, or an error if f is no log, lest a wrong path
// in a configuration cuts or grows a file that is something else.
func logSize(f *os.File) (int64, error) {
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

// since calls fn with the ID and the stamp of each event from an offset on. A
// line that is no event has none; nor has the piece of a line that it may begin
// with, as it is no JSON.
func (p past) since(from int64, fn func(id string, revision int64)) error {
	from = min(max(0, from), p.lines.Size())
	r := bufio.NewReaderSize(io.NewSectionReader(p.lines, from, p.lines.Size()-from), maxLine)
	for {
		line, err := r.ReadSlice('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		if id, revision, err := parseLine(line); err == nil {
			fn(id, revision)
		}
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
