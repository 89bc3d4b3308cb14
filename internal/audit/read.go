package audit

import (
	"bufio"
	"errors"
	"io"
)

// maxLine is more than any line has: a request has 128 KiB at most.
const maxLine = 1 << 20

// A Reading is what a whole log holds.
type Reading struct {
	Events   int64 // lines that are events
	Revision int64 // the newest stamp, 0 if there is none
	Torn     int64 // bytes at its end that the next Open removes
}

// Read reads a log from its beginning to its end and changes nothing. It calls
// damaged for each line, counted from 1, that is no event and that no power
// failure left so.
func Read(log *io.SectionReader, damaged func(line int64, err error)) (found Reading, err error) {
	r := reading{Reader: bufio.NewReaderSize(log, maxLine), size: log.Size()}
	for number := int64(1); ; number++ {
		line, torn, err := r.next()
		found.Torn += torn
		switch {
		case err == io.EOF:
			return found, nil
		case err == errTooLong:
			damaged(number, err)
		case err != nil:
			return found, err
		case len(line) > 0:
			found.event(line, func(err error) { damaged(number, err) })
		}
	}
}

func (r *Reading) event(line []byte, damaged func(error)) {
	_, revision, err := parseLine(line)
	if err != nil {
		damaged(err)
		return
	}
	r.Events++
	r.Revision = max(r.Revision, revision)
}

var errTooLong = errors.New("audit: not an event: longer than any")

// A reading goes through the lines of a log.
type reading struct {
	*bufio.Reader
	at, size int64
}

// next returns what is whole of the next line, and how much of it is torn; at the
// end io.EOF.
func (r *reading) next() (line []byte, torn int64, err error) {
	begin := r.at
	line, err = r.ReadSlice('\n')
	r.at += int64(len(line))
	switch {
	case err == bufio.ErrBufferFull:
		return r.overlong(hasHole(line, begin))
	case err != nil && (err != io.EOF || len(line) == 0):
		return nil, 0, err
	case err == nil && begin < r.size-unsyncedMost:
		return line, 0, nil
	}
	line, n := mended(line, begin)
	return line, int64(n), nil
}

// overlong reads the rest of a line that is longer than any. What a power failure
// leaves can be so long.
func (r *reading) overlong(hole bool) ([]byte, int64, error) {
	length := int64(maxLine)
	for {
		rest, err := r.ReadSlice('\n')
		length += int64(len(rest))
		hole = hole || hasHole(rest, r.at)
		r.at += int64(len(rest))
		switch {
		case err == bufio.ErrBufferFull:
		case err == io.EOF, err == nil && hole && r.at > r.size-unsyncedMost:
			return nil, length, nil
		case err == nil:
			return nil, 0, errTooLong
		default:
			return nil, 0, err
		}
	}
}
