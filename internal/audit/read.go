package audit

import "io"

// A Reading is the result of reading a whole log.
type Reading struct {
	Events   int64 // number of lines that are events
	Revision int64 // newest stamp, or 0
	Torn     int64 // number of bytes at the end that the next Open removes
}

// Read reads a whole log and changes nothing. It calls damaged for each line that is not an event, with its
// number counted from 1. Incomplete lines that a power failure left at the end count as Torn instead.
func Read(log *io.SectionReader, damaged func(line int64, err error)) (found Reading, err error) {
	end, err := firstTorn(log, log.Size())
	if err != nil {
		return found, err
	}
	found.Torn = log.Size() - end
	all, err := linesFrom(io.NewSectionReader(log, 0, end), 0)
	if err != nil {
		return found, err
	}
	for number := int64(1); ; number++ {
		line, err := all.next()
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
