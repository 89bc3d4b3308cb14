package audit

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

// A serverLog is the log of a server.
type serverLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *serverLog) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *serverLog) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor waits until a condition is true.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for begun := time.Now(); !is(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("%s did not happen", what)
		}
	}
}

// openObserved opens a protected log, and returns its messages to the server.
func openObserved(t *testing.T, path string, o Options) (l *Log, server *serverLog, published func() []int64) {
	t.Helper()
	l = openLogWith(t, path, o)
	server = &serverLog{}
	var mu sync.Mutex
	var sizes []int64
	p := protection()
	p.Log = slog.New(slog.NewTextHandler(server, nil))
	p.Published = func(signed []byte) {
		mu.Lock()
		defer mu.Unlock()
		c, err := transparency.ParseCheckpoint(string(signed))
		if err != nil {
			t.Error(err)
		}
		sizes = append(sizes, c.Size)
	}
	if err := l.Protect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return l, server, func() []int64 {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(sizes)
	}
}

func openLogWith(t *testing.T, path string, o Options) *Log {
	t.Helper()
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Each checkpoint is published once: at the start, by Checkpoint, and at the end.
func TestPublishedCheckpoints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if (&Log{path: path}).HasCheckpoint() {
		t.Error("a log without files has a checkpoint")
	}
	l, server, published := openObserved(t, path, Options{})
	if !l.HasCheckpoint() || !l.Kept() {
		t.Error("the log has no checkpoint")
	}
	writeMany(t, l, 0, 2)
	for range 2 {
		if err := l.Checkpoint(); err != nil {
			t.Error(err)
		}
	}
	writeMany(t, l, 2, 3)
	closeLog(t, l)
	if got := published(); !slices.Equal(got, []int64{0, 2, 5}) || server.String() != "" {
		t.Errorf("%d were published, the server says %q", got, server.String())
	}
	l, _, published = openObserved(t, path, Options{})
	closeLog(t, l)
	if got := published(); len(got) > 0 {
		t.Errorf("%d were published again", got)
	}
}

// A protected log signs a checkpoint from time to time, and compresses its segments. Neither is worth a line in the log
// of the server.
func TestKeeper(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, server, published := openObserved(t, path, Options{SegmentBytes: small.SegmentBytes, CheckpointEvery: time.Millisecond})
	writeMany(t, l, 0, 100)
	waitFor(t, "a checkpoint", func() bool { return slices.Contains(published(), 100) })
	waitCompressed(t, path)
	if server.String() != "" {
		t.Errorf("the server says %q", server.String())
	}
	closeLog(t, l)
	mustBeSound(t, path, 100)
}

// The log of the server has what fails in the background, and the audit log tries again.
func TestKeeperReports(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, server, published := openObserved(t, path, Options{CheckpointEvery: time.Millisecond})
	blocked := filepath.Join(FolderOf(path), "checkpoint.tmp")
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	writeMany(t, l, 0, 3)
	waitFor(t, "an error", func() bool {
		return strings.Contains(server.String(), "the audit log could not be tended; the server tries again")
	})
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a checkpoint", func() bool { return slices.Contains(published(), 3) })
	closeLog(t, l)
}

// Segments are compressed again after a failure that the server reports.
func TestCompressionIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, small)
	stray := filepath.Join(FolderOf(path), deletedName)
	if err := os.WriteFile(stray, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.compressSegments(t.Context()); err == nil {
		t.Error("the folder is damaged")
	}
	if err := os.Remove(stray); err != nil {
		t.Fatal(err)
	}
	writeMany(t, l, 0, 100)
	closed := waitCompressed(t, path).closed
	compressed := filepath.Join(FolderOf(path), closed[0].FileName())
	plain := closed[0]
	plain.Compressed = false
	if err := errors.Join(os.Remove(compressed), os.Mkdir(filepath.Join(FolderOf(path), plain.FileName()), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := l.compressSegments(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "audit: compress "+plain.FileName()+": ") {
		t.Errorf("%v", err)
	}
	closeLog(t, l)
}

// Checkpoint does nothing for a log that is not protected, and for one that has failed.
func TestCheckpointOfOtherLogs(t *testing.T) {
	l := New(Discard{}, Options{})
	if err := l.Checkpoint(); err != nil || l.Kept() || l.VerifierKey() != "" || l.PublicKey() != "" || l.Origin() != "" || l.Reader().Size() != 0 {
		t.Errorf("not protected: %v", err)
	}
	if f, ok := l.Folder(); ok || f != nil {
		t.Error("a log without a file has a folder")
	}
	if err := l.Protect(t.Context(), protection()); err != nil || l.VerifierKey() != "" {
		t.Errorf("a log without a file was protected: %v", err)
	}
	closeLog(t, l)
	path := filepath.Join(t.TempDir(), "audit.log")
	l, _, published := openObserved(t, path, Options{})
	writeMany(t, l, 0, 3)
	l.mu.Lock()
	l.fail(errDisk)
	l.mu.Unlock()
	if err := l.Checkpoint(); err != nil || slices.Contains(published(), 3) {
		t.Errorf("a log that has failed: %v, %d", err, published())
	}
	if err := l.Close(); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

// Protect fails, and changes nothing, if the folder, the checkpoint or a segment cannot be read or made.
func TestProtectFails(t *testing.T) {
	for what, test := range map[string]struct {
		edit    func(path string) error
		altered bool
	}{
		"a missing segment": {edit: func(path string) error { return removeFirst(path, "*"+compressedSuffix) }},
		"a segment cut short": {edit: func(path string) error {
			names, err := filepath.Glob(filepath.Join(FolderOf(path), "*"+compressedSuffix))
			return errors.Join(err, os.Truncate(names[len(names)-2], 300), os.RemoveAll(filepath.Join(FolderOf(path), "tile")))
		}},
		"an unreadable checkpoint": {edit: func(path string) error {
			return errors.Join(os.Remove(filepath.Join(FolderOf(path), checkpointName)), os.Mkdir(filepath.Join(FolderOf(path), checkpointName), 0o700))
		}},
		"another checkpoint": {altered: true, edit: func(path string) error { return flipByte(filepath.Join(FolderOf(path), checkpointName), 100) }},
		"no folder":          {edit: func(path string) error { return errors.Join(os.RemoveAll(filepath.Dir(path))) }},
		"a file that cannot be written": {edit: func(path string) error {
			return errors.Join(os.RemoveAll(filepath.Join(FolderOf(path), "tile")), os.WriteFile(filepath.Join(FolderOf(path), "tile"), nil, 0o600))
		}},
	} {
		path := filepath.Join(t.TempDir(), "deployment", "audit.log")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		l := openProtected(t, path, small)
		writeMany(t, l, 0, 300)
		waitCompressed(t, path)
		closeLog(t, l)
		l = openLogWith(t, path, small)
		if err := test.edit(path); err != nil {
			t.Fatal(err)
		}
		if what == "a missing segment" {
			closeLog(t, l)
			l = openLogWith(t, path, small)
		}
		err := l.Protect(t.Context(), protection())
		if err == nil || errors.Is(err, ErrAltered) != test.altered || l.VerifierKey() != "" {
			t.Errorf("%s: %v", what, err)
		}
		if what == "a missing segment" != errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v", what, err)
		}
		closeLog(t, l)
	}
}

func removeFirst(path, pattern string) error {
	names, err := filepath.Glob(filepath.Join(FolderOf(path), pattern))
	return errors.Join(err, os.Remove(names[0]))
}

// A line before the last checkpoint that was edited is found by a start that has to build the tree again. One that has
// the tiles does not read the line, and a start finds each line since the checkpoint.
func TestProtectComparesTheCheckpoint(t *testing.T) {
	path := protectedLog(t, 300)
	edit := func(path string) error { return replaceIn(`"eventID":"event-30"`, `"eventID":"event-31"`)(path) }
	for _, rebuilt := range []bool{false, true} {
		at := copyLog(t, path)
		if err := edit(at); err != nil {
			t.Fatal(err)
		}
		if rebuilt {
			if err := os.RemoveAll(filepath.Join(FolderOf(at), "tile")); err != nil {
				t.Fatal(err)
			}
		}
		l := openLogWith(t, at, Options{})
		if err := l.Protect(t.Context(), protection()); errors.Is(err, ErrAltered) != rebuilt || err != nil && !rebuilt {
			t.Errorf("built again %v: %v", rebuilt, err)
		}
		closeLog(t, l)
	}
	// A line less than the checkpoint is found, with the tiles and without.
	for _, tiles := range []bool{true, false} {
		at := copyLog(t, path)
		whole := read(t, at)
		err := os.WriteFile(at, whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1], 0o600)
		if !tiles {
			err = errors.Join(err, os.RemoveAll(filepath.Join(FolderOf(at), "tile")))
		}
		if err != nil {
			t.Fatal(err)
		}
		l := openLogWith(t, at, Options{})
		if err := l.Protect(t.Context(), protection()); !errors.Is(err, ErrAltered) {
			t.Errorf("a line less, with tiles %v: %v", tiles, err)
		}
		closeLog(t, l)
	}
	other := protection()
	other.Chain = bytes.Repeat([]byte{9}, 32)
	at := copyLog(t, path)
	if err := os.RemoveAll(filepath.Join(FolderOf(at), "tile")); err != nil {
		t.Fatal(err)
	}
	l := openLogWith(t, at, Options{})
	if err := l.Protect(t.Context(), other); !errors.Is(err, ErrAltered) || !strings.HasSuffix(err.Error(), "audit.log, line 1") {
		t.Errorf("another key of the chain: %v", err)
	}
	closeLog(t, l)
	g := newLedger(t)
	g.add(leavesFor(0, 3))
	root, err := g.tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	wrong := root
	wrong[0] ^= 1
	for _, test := range []struct {
		c    transparency.Checkpoint
		want error
	}{
		{transparency.Checkpoint{Size: 3, Root: root}, nil}, {transparency.Checkpoint{Size: 3, Root: wrong}, ErrAltered},
		{transparency.Checkpoint{Size: 2, Root: wrong}, nil}, {transparency.Checkpoint{Size: 4, Root: wrong}, nil},
	} {
		if err := g.compare(test.c); !errors.Is(err, test.want) {
			t.Errorf("%d lines: %v", test.c.Size, err)
		}
	}
}

// A start whose tiles do not have the root of the checkpoint builds them again.
func TestTilesThatDiffer(t *testing.T) {
	path := protectedLog(t, 600)
	for _, tile := range []string{"tile/0/002.p/88", "tile/1/000.p/2"} {
		at := copyLog(t, path)
		if err := flipByte(filepath.Join(FolderOf(at), tile), 32); err != nil {
			t.Fatal(err)
		}
		l, _, published := openObserved(t, at, Options{})
		if got := published(); !slices.Equal(got, []int64{600}) {
			t.Errorf("%s: checkpoints of %d lines", tile, got)
		}
		closeLog(t, l)
		mustBeSound(t, at, 600)
	}
}

// A segment is closed when its size reaches the limit, and when a day has begun, but not while it is empty.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	now := testDay
	line := int64(len(mustLine(t, event("0")))) + int64(len(emptyChain)-len("}\n"))
	l := openLogWith(t, path, Options{SegmentBytes: 3 * line, Now: func() time.Time { return now }})
	if err := os.Chtimes(path, testDay, testDay); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = openProtected(t, path, Options{SegmentBytes: 3 * line, Now: func() time.Time { return now }})
	defer closeLog(t, l)
	for i, test := range []struct {
		at   time.Duration
		want []int64 // the ends of the closed segments
	}{
		{0, nil}, {0, nil}, {11 * time.Hour, nil}, {11 * time.Hour, []int64{3}}, {12 * time.Hour, []int64{3, 4}}, {13 * time.Hour, []int64{3, 4}}, {37 * time.Hour, []int64{3, 4, 6}},
	} {
		now = testDay.Add(test.at)
		write(t, l, event(fmt.Sprint(i)))
		all, err := readLayout(FolderOf(path))
		if err != nil {
			t.Fatal(err)
		}
		var ends []int64
		for _, s := range all.closed {
			ends = append(ends, s.End)
			if s.EndByte != s.End*line {
				t.Errorf("%+v, with lines of %d bytes", s, line)
			}
		}
		if !slices.Equal(ends, test.want) {
			t.Errorf("after line %d: segments up to %d, want %d", i, ends, test.want)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != line {
		t.Errorf("%v, %v", info, err)
	}
	waitFor(t, "the end of the compression", func() bool { return len(openFiles(t, filepath.Dir(path))) == 1 })
}

// A segment that cannot be closed goes on growing until it has twice the size.
func TestRotationFails(t *testing.T) {
	line := int64(len(mustLine(t, event("0")))) + int64(len(emptyChain)-len("}\n"))
	for what, blocked := range map[string]func(path string) string{
		"the new file": func(path string) string { return path + temporarySuffix },
		"the second name": func(path string) string {
			return filepath.Join(FolderOf(path), Segment{First: 0, End: 3, EndByte: 3 * line, Closed: testDay}.FileName())
		},
	} {
		path := filepath.Join(t.TempDir(), "audit.log")
		name := blocked(path)
		l, server, _ := openObserved(t, path, Options{SegmentBytes: 3 * line, Now: func() time.Time { return testDay }})
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			write(t, l, event(fmt.Sprint(i)))
		}
		if n := strings.Count(server.String(), "a segment of the audit log was not closed; it goes on growing"); n != 1 {
			t.Errorf("%s: the server says %d times that the segment grows: %q", what, n, server.String())
		}
		if size := int64(len(read(t, path))); size != 6*line {
			t.Errorf("%s: %d bytes, want %d", what, size, 6*line)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if names, err := filepath.Glob(filepath.Join(FolderOf(path), "*"+lineSuffix)); err != nil || len(names) > 0 {
			t.Errorf("%s: %q, %v", what, names, err)
		}
		write(t, l, event("6"))
		if size := int64(len(read(t, path))); size != line {
			t.Errorf("%s: the next file has %d bytes, want %d", what, size, line)
		}
		closeLog(t, l)
		mustBeSound(t, path, 7)
	}
}

// The blocks of a closed segment are not those of the next file.
func TestClosingFreesTheBlocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{SegmentBytes: 1})
	defer closeLog(t, l)
	write(t, l, event("0"))
	if err := l.Hold(1 << 20); err != nil {
		t.Skip(err)
	}
	write(t, l, event("1")) // closes the segment
	l.room.mu.Lock()
	defer l.room.mu.Unlock()
	if l.room.to != 0 {
		t.Errorf("the new file has blocks up to byte %d", l.room.to)
	}
}
