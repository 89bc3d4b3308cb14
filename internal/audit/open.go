package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// tailSize is how far back Open looks for events: some 1,500 of them.
const tailSize = 1 << 20

// Open opens the log at path for appending, or creates it for its owner alone.
// A last line without its newline, torn by a crash or a full disk, is cut; what
// remains is on the disk when Open returns. A file that does not begin like a
// log is refused. Only one process at a time may have a log open.
func Open(path string, o Options) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	cut, end, err := mend(f)
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("audit: %s: %w", path, err)
	}
	l := New(f, o)
	l.cut, l.tail = cut, end
	return l, nil
}

// A tail is what the end of a log tells of the time before it was opened.
type tail struct {
	events   map[string]bool // by ID
	revision int64           // the newest stamp
}

// mend cuts a torn last line and returns its length and what stands before it.
func mend(f *os.File) (cut int64, t tail, err error) {
	size, err := logSize(f)
	if err != nil {
		return 0, tail{}, err
	}
	end, err := linesEnd(f, size)
	if err != nil {
		return 0, tail{}, err
	}
	if end < size {
		if err := f.Truncate(end); err != nil {
			return 0, tail{}, err
		}
	}
	// The lines of a process that was killed may still be in memory alone, and
	// Has promises that they are not.
	if err := f.Sync(); err != nil {
		return 0, tail{}, err
	}
	t, err = readTail(f, end)
	return size - end, t, err
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

// linesEnd returns the offset after the last newline before size.
func linesEnd(r io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		from := max(0, end-int64(len(buf)))
		chunk := buf[:end-from]
		if _, err := r.ReadAt(chunk, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// readTail reads the events in the last tailSize bytes before end. A line that is
// no event, as a power failure can leave, has no ID; nor has the piece of a line
// that the window may begin with, as it is no JSON.
func readTail(r io.ReaderAt, end int64) (tail, error) {
	from := max(0, end-tailSize)
	window := make([]byte, end-from)
	if _, err := r.ReadAt(window, from); err != nil {
		return tail{}, err
	}
	t := tail{events: map[string]bool{}}
	for line := range bytes.Lines(window) {
		if id, revision, err := parseLine(line); err == nil {
			t.events[id] = true
			t.revision = max(t.revision, revision)
		}
	}
	return t, nil
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
