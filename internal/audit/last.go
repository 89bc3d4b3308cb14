package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// A Mark is a place in a log: an event ends there.
type Mark struct {
	Bytes int64  // length of the log up to the end of the event
	Event string // ID of the event; "" if it is not known
}

// Last returns the Mark of the last event in the file. After Close it returns the Mark of the last event that Close has
// written. A log that keeps no events, or whose last line cannot be read, knows only a length.
func (l *Log) Last() Mark {
	l.mu.Lock()
	last, end := l.last, l.end
	l.mu.Unlock()
	if last != (Mark{}) {
		return last
	}
	l.files.RLock()
	defer l.files.RUnlock()
	if f, ok := l.file.(*os.File); ok {
		if last, err := lastIn(f); err == nil {
			last.Bytes += l.begin
			return last
		}
	}
	return Mark{Bytes: end}
}

// lastIn returns the Mark of the last event in a file. The end of the file may be a line that is being written.
func lastIn(f *os.File) (last Mark, err error) {
	info, err := f.Stat()
	if err != nil {
		return last, err
	}
	err = backwards(context.Background(), f, info.Size(), 0, 64<<10, func(c chunk) (more bool, err error) {
		end := bytes.LastIndexByte(c.lines, '\n') + 1
		if end == 0 {
			return true, nil
		}
		begin := bytes.LastIndexByte(c.lines[:end-1], '\n') + 1
		last.Bytes = c.at + int64(end)
		last.Event, err = ID(c.lines[begin:end])
		return false, err
	})
	return last, err
}

// ErrNotWhole means that a copy of an audit log lacks events.
var ErrNotWhole = errors.New("the copy of the audit log is not whole")

// CheckCopy checks that a copy of a log is whole up to a Mark of the log: each line is an event, and the event of the
// Mark is where it was. So no line before it is missing. The copy may have more events.
func CheckCopy(log *io.SectionReader, m Mark) error {
	if log.Size() < m.Bytes {
		return fmt.Errorf("%w: it has %d bytes, and the log had at least %d", ErrNotWhole, log.Size(), m.Bytes)
	}
	all, err := linesFrom(log, 0)
	if err != nil {
		return err
	}
	for number := 1; ; number++ {
		begin := all.at
		line, err := all.next()
		if err == io.EOF { // the rest of the file is a line that a loss of power left incomplete
			if begin < m.Bytes {
				return fmt.Errorf("%w: line %d has no end", ErrNotWhole, number)
			}
			return nil
		}
		if err != nil && err != errTooLong {
			return err
		}
		id, err := ID(line)
		switch {
		case err != nil:
			return fmt.Errorf("%w: line %d is not an event", ErrNotWhole, number)
		case begin < m.Bytes && m.Bytes <= all.at && !m.isAt(all.at, id):
			return fmt.Errorf("%w: at byte %d it does not have the event that the log of the node had there. It is a copy "+
				"of another log, or lines are missing from it", ErrNotWhole, m.Bytes)
		}
	}
}

// isAt reports whether an event that ends at an offset can be the event of the Mark.
func (m Mark) isAt(end int64, id string) bool {
	return end == m.Bytes && (m.Event == "" || m.Event == id)
}
