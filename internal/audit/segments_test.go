package audit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/keyhold/keyhold/internal/transparency"
)

// Whole reads forward and backward within a segment, and over the ends of segments.
func TestWholeInAnyOrder(t *testing.T) {
	texts := []string{eventsFrom(t, 0, 10), eventsFrom(t, 10, 5), eventsFrom(t, 15, 3) + `{"torn`}
	all := strings.Join(texts, "")
	path, s := logOf(t, texts[2], texts[:2]...)
	compress(t, path, s[0], false)
	w, err := OpenWhole(path)
	if err != nil || w.Size() != int64(len(all)) {
		t.Fatalf("%v, %v", w, err)
	}
	first := int64(len(texts[0]))
	for _, at := range []int64{0, 50, 51, 200, 300, 40, 0, first - 5, first, first + 30, first - 1, s[1].EndByte - 3, w.Size() - 10, s[1].EndByte, 7} {
		part := make([]byte, 10)
		if n, err := w.ReadAt(part, at); err != nil || n != 10 || string(part) != all[at:at+10] {
			t.Errorf("at %d: %q, %v", at, part, err)
		}
	}
	if n, err := w.ReadAt(make([]byte, 10), w.Size()-4); n != 4 || err != io.EOF {
		t.Errorf("at the end: %d bytes, %v", n, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
}

// A Whole that cannot open a segment reads nothing, and reads again when the segment is back.
func TestWholeWithoutASegment(t *testing.T) {
	text := eventsFrom(t, 0, 10)
	path, s := logOf(t, "", text, eventsFrom(t, 10, 5))
	w, err := OpenWhole(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	file := filepath.Join(FolderOf(path), s[0].FileName())
	if _, err := w.ReadAt(make([]byte, 10), w.Size()-10); err != nil { // opens the other segment
		t.Error(err)
	}
	if err := os.Rename(file, path+".away"); err != nil {
		t.Fatal(err)
	}
	part := make([]byte, 10)
	if n, err := w.ReadAt(part, 0); n != 0 || err == nil {
		t.Errorf("without the segment: %d bytes, %v", n, err)
	}
	if err := os.Rename(path+".away", file); err != nil {
		t.Fatal(err)
	}
	if n, err := w.ReadAt(part, 0); n != 10 || err != nil || string(part) != text[:10] {
		t.Errorf("with the segment: %d bytes, %q, %v", n, part, err)
	}
	if err := os.WriteFile(filepath.Join(FolderOf(path), deletedName), []byte(`{"end":10,"endByte":1,"chain":""}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenWhole(path); !errors.Is(err, transparency.ErrDeleted) {
		t.Errorf("a log with deleted lines: %v", err)
	}
}

// Find returns the newest event of a request in closed segments, and reports damage if it finds nothing.
func TestFindInDamagedSegments(t *testing.T) {
	again := strings.Replace(eventsFrom(t, 3, 1), "event-3", "event-again", 1)
	for what, damaged := range map[string][]bool{
		"no damage": {false, false}, "damage in the older segment": {true, false}, "damage in the newer segment": {false, true}, "damage in both": {true, true},
	} {
		texts := []string{eventsFrom(t, 0, 3), eventsFrom(t, 3, 3) + again + eventsFrom(t, 6, 1)}
		for i := range damaged {
			if damaged[i] {
				texts[i] += "garbage\n"
			}
		}
		path, _ := logOf(t, eventsFrom(t, 7, 1), texts...)
		l := &Log{path: path}
		for id, want := range map[string]string{"request-0": "event-0", "request-2": "event-2", "request-3": "event-again", "request-6": "event-6", "request-7": "event-7"} {
			if e, found, err := l.Find(t.Context(), id); err != nil || !found || e.EventID != want {
				t.Errorf("%s: %s: %v, %q, %v", what, id, found, e.EventID, err)
			}
		}
		_, found, err := l.Find(t.Context(), "request-x")
		if found || errors.Is(err, ErrUnreadable) != (damaged[0] || damaged[1]) || err != nil && !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v, %v", what, found, err)
		}
	}
}

// Find searches the last MaxSearched bytes only, over the segments.
func TestFindHasABound(t *testing.T) {
	path, _ := logOf(t, "", eventsFrom(t, 0, 3), eventsFrom(t, 3, 3))
	all, err := readLayout(FolderOf(path))
	if err != nil {
		t.Fatal(err)
	}
	_, end := all.end()
	for least, want := range map[int64]bool{0: true, all.closed[0].EndByte - 1: true, all.closed[0].EndByte: false, end: false} {
		if _, found, err := all.find(t.Context(), []byte(`"requestID":"request-1"`), "request-1", least); found != want || err != nil {
			t.Errorf("from byte %d: %v, %v", least, found, err)
		}
	}
}

// Since passes the IDs of the events that begin at an offset or later, over all segments, until a line cannot be read.
func TestSinceOverSegments(t *testing.T) {
	path, s := logOf(t, eventsFrom(t, 6, 2), eventsFrom(t, 0, 3), eventsFrom(t, 3, 3))
	l := openLog(t, path)
	defer closeLog(t, l)
	length := s[0].EndByte / 3
	for from, want := range map[int64]int{-1: 8, 0: 8, 1: 7, length: 7, length + 1: 6, s[0].EndByte - 1: 5, s[0].EndByte: 5, s[0].EndByte + 1: 4, s[1].EndByte: 2, s[1].EndByte + 1: 1, l.End(): 0} {
		if got := since(t, l, from); len(got) != want || want > 0 && got[want-1] != "event-7" {
			t.Errorf("from byte %d: %q, want %d", from, got, want)
		}
	}
	if err := os.WriteFile(filepath.Join(FolderOf(path), deletedName), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Since(0, func(string) {}); err == nil {
		t.Error("the folder is damaged")
	}
	if err := l.Since(s[1].EndByte, func(string) {}); err != nil {
		t.Errorf("the folder is not needed: %v", err)
	}
}

// Since fails at a line that is too long, or not an event, if it begins at the offset or later.
func TestSinceOfUnreadableLines(t *testing.T) {
	for what, bad := range map[string]string{"a line that is too long": longLine(t), "garbage": "garbage\n"} {
		text := eventsFrom(t, 0, 1)
		path, _ := logOf(t, string(Stamp(mustLine(t, event("last")), 1)), text+bad+eventsFrom(t, 2, 1))
		p := past{lines: io.NewSectionReader(bytes.NewReader(nil), 0, 0)}
		var err error
		if p.layout, err = readLayout(FolderOf(path)); err != nil {
			t.Fatal(err)
		}
		begin := int64(len(text))
		for from, fails := range map[int64]bool{0: true, begin: true, begin + 1: false} {
			var got []string
			err := p.since(from, func(id string) { got = append(got, id) })
			if errors.Is(err, ErrUnreadable) != fails || (err != nil) != fails || slices.Contains(got, "event-2") == fails {
				t.Errorf("%s, from byte %d: %q, %v", what, from, got, err)
			}
		}
	}
}

// Open finds the newest stamp in the last closed segment if the file that grows has few stamps.
func TestNewestStampInASegment(t *testing.T) {
	stamp := func(revisions ...int64) (text string) {
		for _, r := range revisions {
			text += lineOf(t, "e", r, 0)
		}
		return text
	}
	for _, test := range []struct {
		what            string
		older, last     string
		current         string
		want            int64
		refused, passed bool
	}{
		{what: "in the only segment", last: stamp(3, 7, 5), current: stamp(0), want: 7},
		{what: "in the segment", older: stamp(9), last: stamp(3, 7, 5, 0), current: stamp(0), want: 7},
		{what: "in the file", older: stamp(9), last: stamp(3, 4), current: stamp(6, 5), want: 6},
		{what: "an empty file", older: stamp(1), last: stamp(3, 4), current: "", want: 4},
		{what: "damage in the segment", older: stamp(1), last: stamp(3) + "garbage\n" + stamp(8), current: stamp(1), refused: true},
		{what: "damage in an older segment", older: "garbage\n", last: stamp(8), current: stamp(1), want: 8},
		{what: "enough stamps in the file", older: stamp(1), last: "garbage\n", current: strings.Repeat(stamp(2), tailStamps), want: 2},
		{what: "one stamp too few in the file", older: stamp(1), last: "garbage\n", current: strings.Repeat(stamp(2), tailStamps-1), refused: true},
	} {
		closed := []string{test.older, test.last}
		if test.older == "" {
			closed = closed[1:]
		}
		path, _ := logOf(t, test.current, closed...)
		l, err := Open(path, Options{})
		if errors.Is(err, ErrUnreadable) != test.refused || err != nil && !test.refused {
			t.Errorf("%s: %v", test.what, err)
		}
		if err != nil {
			continue
		}
		if l.Revision() != test.want || l.Blank() {
			t.Errorf("%s: revision %d, want %d", test.what, l.Revision(), test.want)
		}
		closeLog(t, l)
	}
}

// A log is blank if it has neither lines nor segments.
func TestBlank(t *testing.T) {
	for _, test := range []struct {
		current string
		closed  []string
		want    bool
	}{{"", nil, true}, {"x", nil, false}, {eventsFrom(t, 0, 1), nil, false}, {"", []string{eventsFrom(t, 0, 1)}, false}} {
		path, _ := logOf(t, test.current, test.closed...)
		all, err := readLayout(FolderOf(path))
		if err != nil {
			t.Fatal(err)
		}
		l := &Log{past: past{layout: all, lines: sections([]byte(test.current))}}
		if got := l.Blank(); got != test.want {
			t.Errorf("%q, %d segments: %v", test.current, len(test.closed), got)
		}
	}
}

// A compression that fails leaves the segment as it was, and nothing else.
func TestCompressionFails(t *testing.T) {
	text := eventsFrom(t, 0, 3)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	path, s := logOf(t, "", text)
	folder := FolderOf(path)
	plain := filepath.Join(folder, s[0].FileName())
	if err := compressSegment(stopped, folder, s[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	whole := s[0]
	whole.Compressed = true
	temporary := filepath.Join(folder, whole.FileName()+temporarySuffix)
	if err := os.Mkdir(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := compressSegment(t.Context(), folder, s[0]); err == nil {
		t.Error("the file cannot be written")
	}
	names, err := os.ReadDir(folder)
	if err != nil || len(names) != 1 || string(read(t, plain)) != text {
		t.Errorf("%v, %v", names, err)
	}
	for what, paths := range map[string][2]string{
		"no file": {filepath.Join(folder, "absent"), plain + ".x"}, "no folder": {plain, filepath.Join(folder, "absent", "x")},
	} {
		if err := writeCompressed(t.Context(), paths[0], paths[1]); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := writeCompressed(stopped, plain, plain+".x"); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
}

// A segment is compressed once, whatever an earlier compression has left.
func TestCompression(t *testing.T) {
	text := eventsFrom(t, 0, 30)
	for _, before := range []string{"plain", "both", "compressed"} {
		path, s := logOf(t, "", text)
		if before != "plain" {
			compress(t, path, s[0], before == "both")
		}
		for range 2 {
			if err := compressSegment(t.Context(), FolderOf(path), s[0]); err != nil {
				t.Errorf("%s: %v", before, err)
			}
		}
		names, err := os.ReadDir(FolderOf(path))
		if err != nil || len(names) != 1 || !strings.HasSuffix(names[0].Name(), compressedSuffix) {
			t.Errorf("%s: %v, %v", before, names, err)
		}
		if info, err := names[0].Info(); err != nil || info.Mode() != 0o600 || info.Size() > int64(len(text))/2 {
			t.Errorf("%s: %v, %v", before, info, err)
		}
		w, err := OpenWhole(path)
		if err != nil {
			t.Fatal(err)
		}
		all := make([]byte, w.Size())
		if _, err := w.ReadAt(all, 0); err != nil || string(all) != text {
			t.Errorf("%s: %q, %v", before, all, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
			t.Errorf("%s: %q are open", before, open)
		}
	}
}

// A line longer than maxLine is reported as too long, to the byte.
func TestLinesThatAreTooLong(t *testing.T) {
	for _, size := range []int{maxLine - 1, maxLine, maxLine + 1, maxLine + 64<<10, 2 * maxLine} { // without the newline
		log := append(bytes.Repeat([]byte("x"), size), "\nnext\n"...)
		l, err := linesFrom(sections(log), 0)
		if err != nil {
			t.Fatal(err)
		}
		line, err := l.next()
		if long := size+1 > maxLine; (err == errTooLong) != long || !long && (err != nil || len(line) != size+1) {
			t.Errorf("%d bytes: a line of %d, %v", size, len(line), err)
		}
		if line, err := l.next(); string(line) != "next\n" || err != nil || l.at != int64(len(log)) {
			t.Errorf("after %d bytes: %q at %d, %v", size, line, l.at, err)
		}
	}
}

// A segment that still has the name of the log is not compressed: a start after a kill would take its lines for lines
// after the segment.
func TestSegmentIsCompressedAfterItsClosing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{})
	writeMany(t, l, 0, 20)
	s := Segment{End: l.ledger.size(), EndByte: l.base() + l.length, Closed: testDay}
	plain := filepath.Join(FolderOf(path), s.FileName())
	if err := os.Link(path, plain); err != nil {
		t.Fatal(err)
	}
	if err := l.compressSegments(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(plain); err != nil {
		t.Error(err)
	}
	l.closedTo.Store(s.End)
	signal(l.segmentDue)
	waitFor(t, "a compressed segment", func() bool {
		_, err := os.Stat(plain)
		return errors.Is(err, os.ErrNotExist)
	})
	closeLog(t, l)
}

// A server closes a segment, and compresses it, while a reader opens the log. Every line is read once.
func TestReaderMeetsAClosing(t *testing.T) {
	path, s := logOf(t, eventsFrom(t, 5, 5), eventsFrom(t, 0, 5))
	f := &Folder{path: path}
	p, err := f.open()
	if err != nil {
		t.Fatal(err)
	}
	closed := Segment{First: s[0].End, End: 10, EndByte: s[0].EndByte + int64(len(eventsFrom(t, 5, 5))), Closed: testDay.Add(24 * time.Hour)}
	if err := os.Link(path, filepath.Join(FolderOf(path), closed.FileName())); err != nil {
		t.Fatal(err)
	}
	next := path + ".next"
	if err := errors.Join(os.WriteFile(next, []byte(eventsFrom(t, 10, 2)), 0o600), os.Rename(next, path)); err != nil {
		t.Fatal(err)
	}
	compress(t, path, closed, false)
	if err := p.read(f); err != errClosedMeanwhile {
		t.Errorf("got %v", err)
	}
	p.close()
	var n int64
	for at, err := range f.lines(t.Context(), 0) {
		if err != nil || at.index != n {
			t.Fatalf("line %d has the index %d, %v", n, at.index, err)
		}
		n++
	}
	if n != 12 {
		t.Errorf("%d lines", n)
	}
}

// The content that is read back must have the checksum and the size of the plain form.
func TestReadBack(t *testing.T) {
	plain := []byte(strings.Repeat("0123456789abcdef", 20<<10)) // more than one block
	size := int64(len(plain))
	good := zstdOf(t, plain)
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1 // in the checksum
	failed := errors.New("failed")
	for _, c := range []struct {
		what string
		from io.Reader
		size int64
		want error
	}{
		{"the same", bytes.NewReader(good), size, nil},
		{"of no bytes", bytes.NewReader(zstdOf(t, nil)), 0, nil},
		{"no file", bytes.NewReader(nil), 0, nil},
		{"more bytes", bytes.NewReader(good), size - 1, errOtherSize},
		{"fewer bytes", bytes.NewReader(good), size + 1, errOtherSize},
		{"no bytes", bytes.NewReader(nil), size, errOtherSize},
		{"other bytes", bytes.NewReader(flipped), size, zstd.ErrCRCMismatch},
		{"cut off", bytes.NewReader(good[:len(good)-1]), size, io.ErrUnexpectedEOF},
		{"not compressed", bytes.NewReader(plain), size, zstd.ErrMagicMismatch},
		{"broken", io.MultiReader(bytes.NewReader(good[:len(good)/2]), iotest.ErrReader(failed)), size, failed},
	} {
		if err := readBack(c.from, c.size); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
	}
}

// If any bit of a compressed segment changes, the plain form is not removed, unless the segment still decompresses to
// the plain form.
func TestReadBackFindsChanges(t *testing.T) {
	plain := []byte(eventsFrom(t, 0, 3))
	good := zstdOf(t, plain)
	for at := range 8 * len(good) {
		changed := bytes.Clone(good)
		changed[at/8] ^= 1 << (at % 8)
		if readBack(bytes.NewReader(changed), int64(len(plain))) != nil {
			continue
		}
		z, err := zstd.NewReader(bytes.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("bit %d: other bytes were accepted, %v", at, err)
		}
		z.Close()
	}
}

// zstdOf returns a text as writeCompressed writes it.
func zstdOf(t *testing.T, plain []byte) []byte {
	t.Helper()
	from, to := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "compressed")
	if err := os.WriteFile(from, plain, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeCompressed(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	return read(t, to)
}

// A segment of any size is compressed in frames of frameSize bytes, each with one block and a checksum, which any reader
// of Zstandard joins.
func TestFrames(t *testing.T) {
	failed := errors.New("failed")
	for _, size := range []int{0, 1, frameSize - 1, frameSize, frameSize + 1, 3 * frameSize} {
		plain := bytes.Repeat([]byte(`{"eventID":"1"}`+"\n"), size/16+1)[:size]
		var out bytes.Buffer
		n, err := writeFrames(&out, iotest.HalfReader(bytes.NewReader(plain)))
		if err != nil || n != int64(size) {
			t.Errorf("%d bytes: %d, %v", size, n, err)
		}
		frames := 0
		for rest := out.Bytes(); len(rest) > 0; frames++ {
			var h zstd.Header
			if err := h.Decode(rest); err != nil || !h.HasCheckSum || !h.FirstBlock.Last || h.WindowSize > frameSize {
				t.Fatalf("%d bytes: frame %d is %+v, %v", size, frames, h, err)
			}
			if next := bytes.Index(rest[4:], rest[:4]); next >= 0 {
				rest = rest[4+next:]
			} else {
				rest = nil
			}
		}
		if want := (size + frameSize - 1) / frameSize; frames != want {
			t.Errorf("%d bytes: %d frames, want %d", size, frames, want)
		}
		z, err := zstd.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %d other bytes, %v", size, len(got), err)
		}
		z.Close()
		if _, err := writeFrames(io.Discard, io.MultiReader(bytes.NewReader(plain), iotest.ErrReader(failed))); err != failed {
			t.Errorf("%d bytes before a fault: got %v", size, err)
		}
	}
	if _, err := writeFrames(failingWriter{failed}, strings.NewReader("text")); err != failed {
		t.Errorf("got %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
