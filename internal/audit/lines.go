package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxLine is the size of the longest line that can be read. New lines have at most maxAccepted bytes and a
// stamp. Older versions had no limit: a request of 128 KiB, escaped and repeated in its error message, made a
// line of several MiB.
const maxLine = 16 << 20

// ErrUnreadable means that a line of the log is not an event. Its content, such as a store revision, is
// unknown.
var ErrUnreadable = errors.New("a line of the audit log cannot be read")

var errTooLong = fmt.Errorf("audit: not an event: a line has more than %d bytes", maxLine)

// unreadable returns the error for the line at offset at.
func unreadable(at int64, cause error) error {
	return fmt.Errorf("%w: at byte %d: %w", ErrUnreadable, at, cause)
}

// lines reads the lines of a log in order.
type lines struct {
	r  *bufio.Reader
	at int64 // the offset of the next line
}

// linesFrom returns the lines that begin at offset from or later.
func linesFrom(log *io.SectionReader, from int64) (*lines, error) {
	from = min(max(0, from), log.Size())
	l := &lines{bufio.NewReaderSize(io.NewSectionReader(log, max(0, from-1), log.Size()), 64<<10), max(0, from-1)}
	if from == 0 {
		return l, nil
	}
	// Skip the line that precedes from, or its remainder. It is a single newline if a line begins at from.
	if _, err := l.next(); err != nil && err != errTooLong && err != io.EOF {
		return nil, err
	}
	return l, nil
}

// next returns the next line with its newline, errTooLong instead of a line longer than maxLine, and io.EOF at
// the end. The line is valid until the next call.
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

// A chunk is a sequence of whole lines of a log.
type chunk struct {
	at    int64 // offset of the first line
	lines []byte
}

// each calls fn with each line, without its newline, and stops at the first error.
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

// backwards calls fn with chunks of about step bytes, starting with the last one, until fn returns false or an
// error, or the chunk begins at or before offset least. A line longer than step makes a longer chunk.
func backwards(ctx context.Context, log io.ReaderAt, end, least, step int64,
	fn func(chunk) (more bool, err error)) error {
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
		if from > 0 { // from is probably in the middle of a line
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
