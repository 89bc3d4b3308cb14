package audit

import "bytes"

// unsyncedMost is how much of the end of a log may not have been fsynced when the
// power fails: what 10,000 events a second write in the time of Options.MaxLag.
const unsyncedMost = 32 << 20

// sector is the least that a disk writes: what it loses begins and ends at a
// multiple of it, or where a write(2) did.
const sector = 512

// mended returns what is whole of a line at an offset of the file, and how many
// bytes are not: a line without its newline, and zeros in place of what a power
// failure kept from the disk. A line that is damaged otherwise is left as it is,
// for its reader to find.
func mended(line []byte, at int64) (whole []byte, torn int) {
	switch {
	case !bytes.HasSuffix(line, []byte("\n")):
		return nil, len(line)
	case !hasHole(line, at):
		return line, 0
	}
	whole = line[bytes.LastIndexByte(line, 0)+1:] // the line before it has lost its newline
	if _, err := ID(whole); err != nil {
		return nil, len(line)
	}
	return whole, len(line) - len(whole)
}

// hasHole tells whether a line has zeros that a power failure can have left. JSON
// has none, and a flipped bit makes one that is not where a hole begins and ends.
func hasHole(line []byte, at int64) bool {
	for end := 0; ; {
		zero := bytes.IndexByte(line[end:], 0)
		if zero < 0 {
			return false
		}
		begin := end + zero
		for end = begin; end < len(line) && line[end] == 0; {
			end++
		}
		beginsSo := begin == 0 || (at+int64(begin))%sector == 0
		endsSo := end == len(line) || line[end] == '{' || (at+int64(end))%sector == 0
		if beginsSo && endsSo {
			return true
		}
	}
}
