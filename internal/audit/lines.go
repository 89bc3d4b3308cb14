package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxLine is the size of the longest line that is read. Lines that are written have
// at most maxAccepted bytes and a stamp. Older programs had no such bound: a request
// of 128 KiB, escaped and echoed in its error message, made a line of some MiB.
const maxLine = 16 << 20

// ErrUnreadable means that a line of the log is not an event. What the line said,
// such as a revision of the store, is not known.
var ErrUnreadable = errors.New("a line of the audit log cannot be read")

var errTooLong = fmt.Errorf("audit: not an event: a line has more than %d bytes", maxLine)

// unreadable returns the error for the line at an offset.
func unreadable(at int64, cause error) error {
	return fmt.Errorf("%w: at byte %d: %w", ErrUnreadable, at, cause)
}

// lines reads a log line by line, forwards.
type lines struct {
	r  *bufio.Reader
	at int64 // the offset of the next line
}

// linesFrom returns the lines from the first one on that begins at from or after it.
func linesFrom(log *io.SectionReader, from int64) (*lines, error) {
	from = min(max(0, from), log.Size())
	l := &lines{bufio.NewReaderSize(io.NewSectionReader(log, max(0, from-1), log.Size()), 64<<10), max(0, from-1)}
	if from == 0 {
		return l, nil
	}
	// The line before, or what is left of it: a lone newline if from begins a line.
	if _, err := l.next(); err != nil && err != errTooLong && err != io.EOF {
		return nil, err
	}
	return l, nil
}

// next returns the next line with its newline, errTooLong in place of a line that is
// longer than maxLine, and io.EOF at the end. The line is good until the next call.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	l.at += int64(len(line))
	if err != bufio.ErrBufferFull {
		return line, err
	}
	long := bytes.Clone(line)
	for err == bufio.ErrBufferFull {
		line, err = l.r.ReadSlice('\n')
		l.at += int64(len(line))
		if len(long) <= maxLine {
			long = append(long, line...)
		}
	}
	if err == nil && len(long) > maxLine {
		return nil, errTooLong
	}
	return long, err
}

// A chunk is some whole lines of a log, side by side.
type chunk struct {
	at    int64 // their offset
	lines []byte
}

// each calls fn with one line after the other, without its newline, until fn returns
// an error.
func (c chunk) each(fn func(at int64, line []byte) error) error {
	for at, rest := c.at, c.lines; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if err := fn(at, line); err != nil {
			return err
		}
		at, rest = at+int64(len(rest)-len(after)), after
	}
	return nil
}

// backwards calls fn with chunks of about step bytes, the last one first, until fn
// returns false or an error, or a chunk begins at least or before it. A chunk with a
// longer line is as long as the line.
func backwards(ctx context.Context, log io.ReaderAt, end, least, step int64, fn func(chunk) (more bool, err error)) error {
	var buf []byte
	for size := step; end > least; {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := max(0, end-size)
		if int64(len(buf)) < end-from {
			buf = make([]byte, end-from)
		}
		text := buf[:end-from]
		if _, err := log.ReadAt(text, from); err != nil && err != io.EOF {
			return err
		}
		if from > 0 { // most often it begins within a line
			cut := bytes.IndexByte(text, '\n') + 1
			if cut == 0 || cut == len(text) {
				if size > maxLine {
					return unreadable(from, errTooLong)
				}
				size *= 2
				continue
			}
			text, from = text[cut:], from+int64(cut)
		}
		if more, err := fn(chunk{from, text}); err != nil || !more {
			return err
		}
		end, size = from, step
	}
	return nil
}
