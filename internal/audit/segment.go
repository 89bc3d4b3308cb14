package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// The folder beside the log has the closed segments, the hashes and the checkpoints.
const (
	lineSuffix       = ".jsonl"
	compressedSuffix = ".jsonl.zst"
	temporarySuffix  = ".tmp"
	deletedName      = "deleted"
	checkpointName   = "checkpoint"
)

// FolderOf returns the folder with the closed segments of the log at path: audit for audit.log.
func FolderOf(path string) string {
	if ext := filepath.Ext(path); ext != "" {
		return strings.TrimSuffix(path, ext)
	}
	return path + ".segments"
}

// A Segment is a part of a log that grows no more. Its name tells where the segment lies in the log.
type Segment struct {
	First, End int64     // index of the first line, and of the line after the last one
	EndByte    int64     // offset in the log after the last line
	Closed     time.Time // no line was written later, in seconds
	Compressed bool
}

// Name returns the name of the segment without a suffix: FIRST-END-ENDBYTE-CLOSED.
func (s Segment) Name() string {
	return fmt.Sprintf("%012d-%012d-%015d-%s", s.First, s.End, s.EndByte, s.Closed.UTC().Format(closedLayout))
}

const closedLayout = "20060102T150405Z"

// FileName returns the name of the file of the segment.
func (s Segment) FileName() string {
	if s.Compressed {
		return s.Name() + compressedSuffix
	}
	return s.Name() + lineSuffix
}

// parseSegment reads the name of a file, and reports whether it is the name of a segment.
func parseSegment(name string) (s Segment, ok bool) {
	var closed string
	base, compressed := strings.CutSuffix(name, compressedSuffix)
	base, lines := strings.CutSuffix(base, lineSuffix)
	if n, err := fmt.Sscanf(base, "%d-%d-%d-%s", &s.First, &s.End, &s.EndByte, &closed); n != 4 || err != nil {
		return s, false
	}
	var err error
	s.Closed, err = time.Parse(closedLayout, closed)
	s.Compressed = compressed
	return s, err == nil && (compressed || lines) && s.FileName() == name && s.First <= s.End
}

// A deletion is the end of the lines that were deleted because of their age. It is the JSON of the file deleted.
type deletion struct {
	End     int64  `json:"end"`     // index of the oldest line that was not deleted
	EndByte int64  `json:"endByte"` // its offset in the log
	Chain   string `json:"chain"`   // of the last deleted line
}

// A layout is what a log consists of besides the file that grows.
type layout struct {
	folder  string
	deleted deletion
	closed  []Segment // in order
	strays  []string  // names that do not fit into the log
}

// mostListings limits how often readLayout begins again.
const mostListings = 5

// readLayout lists the folder of a log, which may be missing. A server may compress and delete segments meanwhile. A
// segment that it compresses has two files, of which the compressed one is whole.
func readLayout(folder string) (l layout, err error) {
	for range mostListings {
		l = layout{folder: folder}
		if err := l.read(); err != nil {
			return l, err
		}
		// There can be a gap if two segments were closed during the first listing, and one compressed during the second.
		if l.gap() == nil {
			break
		}
	}
	return l, nil
}

// read lists the folder twice. The system lists a large folder in parts, so one listing can miss both forms of a
// segment that is compressed at the time. The next listing has the compressed form. What was deleted is read last, so
// that it includes each segment that is not listed because it was deleted.
func (l *layout) read() error {
	found, strays := map[string]Segment{}, map[string]bool{}
	for range 2 {
		entries, err := os.ReadDir(l.folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("audit: %w", err)
		}
		for _, e := range entries {
			s, ok := parseSegment(e.Name())
			switch {
			case ok:
				name := s.Name()
				s.Compressed = s.Compressed || found[name].Compressed
				found[name] = s
			case strings.HasSuffix(e.Name(), temporarySuffix), e.Name() == deletedName, e.Name() == checkpointName,
				e.Name() == "tile":
			default:
				strays[e.Name()] = true
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(l.folder, deletedName))
	if err == nil {
		err = json.Unmarshal(text, &l.deleted, json.RejectUnknownMembers(true))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("audit: %s: %w", filepath.Join(l.folder, deletedName), err)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if s := found[name]; s.End > l.deleted.End { // otherwise the deletion was interrupted
			l.closed = append(l.closed, s)
		}
	}
	l.strays = slices.Sorted(maps.Keys(strays))
	return nil
}

// end returns the index and the offset of the first line after the closed segments.
func (l layout) end() (index, offset int64) {
	if len(l.closed) == 0 {
		return l.deleted.End, l.deleted.EndByte
	}
	last := l.closed[len(l.closed)-1]
	return last.End, last.EndByte
}

// gap returns an error if a segment is missing.
func (l layout) gap() error {
	at := l.deleted.End
	for _, s := range l.closed {
		if s.First != at {
			return fmt.Errorf("%w: lines %d to %d, before segment %s", ErrMissing, at+1, s.First, s.FileName())
		}
		at = s.End
	}
	return nil
}

// ErrMissing means that a log has lost a segment, and no event says that it was deleted.
var ErrMissing = errors.New("a segment of the audit log is missing")

// path returns the path of a segment.
func (l layout) path(s Segment) string { return filepath.Join(l.folder, s.FileName()) }

// begin returns the offset of the first line of closed segment i.
func (l layout) begin(i int) int64 {
	if i == 0 {
		return l.deleted.EndByte
	}
	return l.closed[i-1].EndByte
}
