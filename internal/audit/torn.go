package audit

import (
	"bytes"
	"io"
)

// unsyncedMost is the largest part of the end of a log that may not be fsynced when the power fails: 10,000
// events per second during Options.MaxLag.
const unsyncedMost = 32 << 20

// sector is the smallest unit that a disk writes. Lost data begins and ends at a multiple of it, or where a
// write(2) did.
const sector = 512

// firstTorn returns the offset of the first line that a power failure or a full disk left incomplete, or size
// if there is none. Nothing after this offset was ever fsynced. Lines with other damage are left for their
// readers to find.
func firstTorn(log io.ReaderAt, size int64) (int64, error) {
	from, err := lineStart(log, max(0, size-unsyncedMost))
	for err == nil {
		var zero, begin, end int64
		zero, err = first(log, from, size, isZero)
		if err != nil {
			break
		}
		begin, err = lineStart(log, zero)
		if err != nil || zero == size { // the rest is a line without its newline
			return begin, err
		}
		end, err = first(log, zero, size, isOther)
		if err != nil {
			break
		}
		hole := beginsHole(begin, zero)
		if hole {
			hole, err = endsHole(log, end, size)
		}
		if hole {
			return begin, nil
		}
		from = end
	}
	return 0, err
}

// JSON contains no zero bytes. A flipped bit can make one, but not where a hole begins and ends.
func beginsHole(line, zero int64) bool { return zero == line || zero%sector == 0 }

func endsHole(log io.ReaderAt, end, size int64) (bool, error) {
	if end == size || end%sector == 0 {
		return true, nil
	}
	var next [1]byte
	_, err := log.ReadAt(next[:], end)
	return err == nil && next[0] == '{', err
}

func isZero(b []byte) int  { return bytes.IndexByte(b, 0) }
func isOther(b []byte) int { return len(b) - len(bytes.TrimLeft(b, "\x00")) }

// first returns the offset of the first byte that index finds, or size. If index finds nothing in a buffer, it
// returns -1 or the length of the buffer.
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

// lineStart returns the offset after the last newline before end, or 0.
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
