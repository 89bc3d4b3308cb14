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
	end, err := firstTorn(log, log.Size())
	if err != nil {
		return found, err
	}
	found.Torn = log.Size() - end
	r := bufio.NewReaderSize(io.NewSectionReader(log, 0, end), maxLine)
	for number := int64(1); ; number++ {
		line, err := nextLine(r)
		switch {
		case err == io.EOF:
			return found, nil
		case err == errTooLong:
			damaged(number, err)
		case err != nil:
			return found, err
		default:
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

// nextLine returns the next line, errTooLong in place of one that is longer than
// any, and io.EOF at the end.
func nextLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return line, err
	}
	for err == bufio.ErrBufferFull {
		_, err = r.ReadSlice('\n')
	}
	if err == nil {
		err = errTooLong
	}
	return nil, err
}
