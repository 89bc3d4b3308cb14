package audit

import (
	"bufio"
	"errors"
	"io"
)

// A Reading is what a whole log holds.
type Reading struct {
	Events   int64 // lines that are events
	Revision int64 // the newest stamp, 0 if there is none
	Torn     int   // bytes after the last newline, which the next Open cuts
}

// Read reads a log from its beginning to its end and changes nothing. It calls
// damaged for each line, counted from 1, that is no event.
func Read(r io.Reader, damaged func(line int64, err error)) (Reading, error) {
	var found Reading
	// No event comes near this size: a request has 128 KiB at most.
	lines := bufio.NewReaderSize(r, tailSize)
	for number := int64(1); ; number++ {
		line, err := lines.ReadSlice('\n')
		if err == io.EOF {
			found.Torn = len(line)
			return found, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return found, err
		}
		if err == nil {
			_, revision, invalid := parseLine(line)
			found.Revision, err = max(found.Revision, revision), invalid
		} else {
			err = restOf(lines, err)
		}
		if err != nil {
			damaged(number, err)
		} else {
			found.Events++
		}
	}
}

// restOf skips what is left of a line that is too long.
func restOf(lines *bufio.Reader, err error) error {
	for err == bufio.ErrBufferFull {
		_, err = lines.ReadSlice('\n')
	}
	return errors.New("audit: not an event: longer than any")
}
