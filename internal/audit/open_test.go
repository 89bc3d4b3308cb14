package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func openLog(t *testing.T, path string) *Log {
	t.Helper()
	l, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeLog(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, l *Log, e Event) {
	t.Helper()
	if err := l.Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// ids returns the ID of each line of a log, all of which must be events.
func ids(t *testing.T, log []byte) (all []string) {
	t.Helper()
	for line := range bytes.Lines(log) {
		id, err := ID(line)
		if err != nil || !bytes.HasSuffix(line, []byte("\n")) {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, id)
	}
	return all
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReopenedLogGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	var want []string
	for round := range 3 {
		l := openLog(t, path)
		for i, s := range hostile {
			id := fmt.Sprint(round, "-", i)
			write(t, l, Event{EventID: id, UserAgent: s})
			want = append(want, id)
		}
		closeLog(t, l)
	}
	if got := ids(t, read(t, path)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestTornLastLineIsCut(t *testing.T) {
	whole := string(mustLine(t, event("whole")))
	for name, test := range map[string]struct{ lines, torn string }{
		"nothing":                   {},
		"whole lines":               {whole + whole, ""},
		"half a line":               {whole, whole[:40]},
		"all but the newline":       {whole, strings.TrimSuffix(whole, "\n")},
		"half a line alone":         {"", whole[:40]},
		"one byte":                  {whole, "{"},
		"zeros":                     {whole, strings.Repeat("\x00", 5000)},
		"zeros alone":               {"", strings.Repeat("\x00", 5000)},
		"longer than a chunk":       {whole, "{" + strings.Repeat("x", 200<<10)},
		"as long as a chunk":        {whole, "{" + strings.Repeat("x", 64<<10-1)},
		"longer than the tail read": {whole, "{" + strings.Repeat("x", 2*tailStep)},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(path, []byte(test.lines+test.torn), 0o600); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, path)
			if l.Torn() != int64(len(test.torn)) {
				t.Errorf("cut %d bytes, want %d", l.Torn(), len(test.torn))
			}
			if got, want := slices.Contains(since(t, l, 0), "whole"), test.lines != ""; got != want {
				t.Errorf("Since has it: %v, want %v", got, want)
			}
			write(t, l, event("next"))
			closeLog(t, l)
			if got, want := string(read(t, path)), test.lines+string(mustLine(t, event("next"))); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestOpenRefusesWhatIsNoLog(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"pem": "-----BEGIN PRIVATE KEY-----\nabc\n-----END", "text": "x", "newline": "\n"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); err == nil {
			t.Errorf("%s was opened", name)
		}
		if got := string(read(t, path)); got != content {
			t.Errorf("%s became %q", name, got)
		}
	}
	for path, why := range map[string]string{
		dir: "is a directory", os.DevNull: "not a regular file", filepath.Join(dir, "absent", "audit.log"): "no such file",
	} {
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// since returns the IDs that Since reports.
func since(t *testing.T, l *Log, from int64) (all []string) {
	t.Helper()
	if err := l.Since(from, func(id string) { all = append(all, id) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// After a power failure, some sectors or writes that were not fsynced are zeros. All lines from the first such
// line on are removed, and the lines before it do not move.
func TestHolesAreRemoved(t *testing.T) {
	var lines [][]byte
	var log []byte
	var starts []int
	for i := range 20 {
		lines = append(lines, mustLine(t, Event{EventID: fmt.Sprint(i), UserAgent: strings.Repeat("x y", 100)}))
		starts = append(starts, len(log))
		log = append(log, lines[i]...)
	}
	at := func(line, more int) int { return starts[line] + more }
	for name, test := range map[string]struct {
		from, to  int
		unaligned bool
	}{
		"a sector":               {from: 1024, to: 1536},
		"a page":                 {from: 4096, to: 8192},
		"the rest of a sector":   {from: 512, to: at(1, 0)},
		"the first of a write":   {from: at(7, 0), to: (at(7, 0)/512 + 1) * 512},
		"a line":                 {from: at(3, 0), to: at(4, 0)},
		"two lines":              {from: at(3, 0), to: at(5, 0)},
		"all":                    {from: 0, to: len(log)},
		"the last line":          {from: at(19, 0), to: len(log)},
		"a flipped bit":          {from: at(3, 0) + bytes.IndexByte(lines[3], ' '), to: at(3, 0) + bytes.IndexByte(lines[3], ' ') + 1, unaligned: true},
		"from within, to within": {from: at(3, 300), to: at(3, 310), unaligned: true},
		"to the end of a sector": {from: at(3, 300), to: (at(3, 300)/512 + 1) * 512, unaligned: true},
		"to the end of a line":   {from: at(3, 300), to: at(4, 0), unaligned: true},
	} {
		t.Run(name, func(t *testing.T) {
			holed := bytes.Clone(log)
			clear(holed[test.from:test.to])
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(path, holed, 0o600); err != nil {
				t.Fatal(err)
			}
			var want []string
			var left []byte
			damage := 0
			for i, line := range lines {
				whole := test.to <= at(i, 0) || test.from >= at(i, len(line))
				if !whole && !test.unaligned {
					break
				}
				if !whole {
					damage = 1
				}
				if whole {
					want = append(want, fmt.Sprint(i))
					left = append(left, line...)
				}
			}
			damaged := 0
			before, err := Read(sections(holed), func(int64, error) { damaged++ })
			if err != nil || damaged != damage || (before.Torn > 0) == test.unaligned {
				t.Errorf("before it was opened: %+v, %d damaged, %v", before, damaged, err)
			}
			if test.unaligned { // not the result of a power failure: nothing is removed, and the log is refused
				if _, err := Open(path, Options{}); !errors.Is(err, ErrUnreadable) || !bytes.Equal(read(t, path), holed) {
					t.Errorf("opened: %v", err)
				}
				return
			}
			l := openLog(t, path)
			defer closeLog(t, l)
			if got := since(t, l, 0); before.Events != int64(len(want)) || !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if got := read(t, path); !bytes.Equal(got, left) || l.Torn() != before.Torn || l.Torn() != int64(len(log)-len(left)) || l.End() != int64(len(left)) {
				t.Errorf("%d bytes are left and %d removed, want %d and %d", len(got), l.Torn(), len(left), before.Torn)
			}
		})
	}
}

func sections(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// Zeros that lie further back than unsynced data can reach count as damage.
func TestHolesFarBackStay(t *testing.T) {
	filler := mustLine(t, Event{EventID: "filler", UserAgent: strings.Repeat("x", 900)})
	log := bytes.Repeat(filler, unsyncedMost/len(filler)+4)
	clear(log[:len(filler)])
	log = append(log, bytes.Repeat(Stamp(mustLine(t, event("stamped")), 7), tailStamps)...)
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	if r, err := Read(sections(log), func(int64, error) { damaged++ }); err != nil || damaged != 1 || r.Torn != 0 {
		t.Errorf("%d damaged, %+v, %v", damaged, r, err)
	}
	l := openLog(t, path)
	defer closeLog(t, l)
	if l.Torn() != 0 || !bytes.Equal(read(t, path), log) || l.Revision() != 7 {
		t.Errorf("%d bytes were removed, the newest stamp is %d", l.Torn(), l.Revision())
	}
}

func TestSinceBeginsWhereAnEndWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, path)
	var ends []int64
	for i := range 100 {
		ends = append(ends, l.End())
		if e := event(fmt.Sprint(i)); i%2 == 0 {
			write(t, l, e)
		} else if err := l.Append(mustLine(t, e), nil); err != nil {
			t.Fatal(err)
		}
	}
	last := l.End()
	closeLog(t, l)
	l = openLog(t, path)
	defer closeLog(t, l)
	write(t, l, event("new"))
	for i, end := range ends {
		got := since(t, l, end)
		if len(got) != 100-i || got[0] != fmt.Sprint(i) {
			t.Fatalf("from the end before event %d: %v", i, got)
		}
	}
	for _, none := range []int64{last, last + 1, l.End(), 1 << 60} {
		if got := since(t, l, none); len(got) > 0 {
			t.Errorf("from %d of %d: %v", none, last, got)
		}
	}
	if got := since(t, l, 1); len(got) != 99 {
		t.Errorf("from within the first line: %d events", len(got))
	}
}

func TestManyWritersOneFile(t *testing.T) {
	const writers, each = 8, 200
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, path)
	var wg, synced sync.WaitGroup
	synced.Add(writers * each / 2)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				e := event(fmt.Sprintf("%d %03d", w, i))
				if i%2 == 0 {
					write(t, l, e)
				} else if err := l.Append(mustLine(t, e), synced.Done); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	synced.Wait()
	closeLog(t, l)
	got := ids(t, read(t, path))
	var want []string
	for w := range writers {
		for i := range each {
			want = append(want, fmt.Sprintf("%d %03d", w, i))
		}
	}
	// A stable sort by writer preserves the order of each writer's events.
	slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(a[:1], b[:1]) })
	if !slices.Equal(got, want) {
		t.Errorf("%d events of %d, or out of order", len(got), len(want))
	}
}

func TestStamps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, path)
	if l.Revision() != 0 {
		t.Errorf("a new log has the stamp %d", l.Revision())
	}
	e := event("read")
	e.StoreRevision = 7
	if err := l.Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	line, err := event("change").Line()
	if err != nil {
		t.Fatal(err)
	}
	for _, stamp := range []int64{9, 8} {
		if err := l.Append(Stamp(line, stamp), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, path)
	defer l.Close()
	if l.Revision() != 9 || !slices.Equal(since(t, l, 0), []string{"read", "change", "change"}) {
		t.Errorf("the log has the stamp %d", l.Revision())
	}
}
