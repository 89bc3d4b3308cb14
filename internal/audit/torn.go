package audit

import (
	"bytes"
	"io"
)

// unsyncedMost is how much of the end of a log may not have been fsynced when the
// power fails: what 10,000 events a second write in the time of Options.MaxLag.
const unsyncedMost = 32 << 20

// sector is the least that a disk writes: what it loses begins and ends at a
// multiple of it, or where a write(2) did.
const sector = 512

// firstTorn returns where the first line begins of which a power failure or a full
// disk has left only a part, and size if there is none. Nothing from there on was
// ever fsynced. A line that is damaged otherwise is for its reader to find.
func firstTorn(log io.ReaderAt, size int64) (int64, error) {
	from, err := lineStart(log, max(0, size-unsyncedMost))
	for err == nil {
		var zero, begin, end int64
		zero, err = first(log, from, size, isZero)
		if err != nil {
			break
		}
		begin, err = lineStart(log, zero)
		if err != nil || zero == size { // what is left is a line without its newline
			return begin, err
		}
		end, err = first(log, zero, size, isOther)
		if err != nil {
			break
		}
		if beginsHole(begin, zero) && endsHole(log, end, size) {
			return begin, nil
		}
		from = end
	}
	return 0, err
}

// JSON has no zeros, and a flipped bit makes one that is not where a hole begins
// and ends.
func beginsHole(line, zero int64) bool { return zero == line || zero%sector == 0 }

func endsHole(log io.ReaderAt, end, size int64) bool {
	if end == size || end%sector == 0 {
		return true
	}
	var next [1]byte
	_, err := log.ReadAt(next[:], end)
	return err == nil && next[0] == '{'
}

func isZero(b []byte) int  { return bytes.IndexByte(b, 0) }
func isOther(b []byte) int { return len(b) - len(bytes.TrimLeft(b, "\x00")) }

// first returns where the first byte is that index looks for, and size if there is
// none. An index of what it does not find is -1 or past the end.
func first(log io.ReaderAt, from, size int64, index func([]byte) int) (int64, error) {
	buf := make([]byte, 64<<10)
	for from < size {
		chunk := buf[:min(size-from, int64(len(buf)))]
		if _, err := log.ReadAt(chunk, from); err != nil && err != io.EOF {
			return 0, err
		}
		if i := index(chunk); i >= 0 && i < len(chunk) {
			return from + int64(i), nil
		}
		from += int64(len(chunk))
	}
	return size, nil
}

// lineStart returns the offset after the last newline before end.
func lineStart(log io.ReaderAt, end int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for end > 0 {
		from := max(0, end-int64(len(buf)))
		chunk := buf[:end-from]
		if _, err := log.ReadAt(chunk, from); err != nil && err != io.EOF {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}
