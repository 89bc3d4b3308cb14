package audit

import (
	"bytes"
	"fmt"
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

// ids returns the ID of each line of a log; all must be events.
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
		"longer than what is read":  {whole, "{" + strings.Repeat("x", 200<<10)},
		"exactly what is read":      {whole, "{" + strings.Repeat("x", 64<<10-1)},
		"longer than the tail read": {whole, "{" + strings.Repeat("x", 2*tailSize)},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(path, []byte(test.lines+test.torn), 0o600); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, path)
			if l.Cut() != int64(len(test.torn)) {
				t.Errorf("cut %d bytes, want %d", l.Cut(), len(test.torn))
			}
			if got, want := l.Has("whole"), test.lines != ""; got != want {
				t.Errorf("Has = %v, want %v", got, want)
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

func TestHasLooksAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	var log []byte
	n := 0
	for ; len(log) < 2*tailSize; n++ {
		log = append(log, mustLine(t, event(fmt.Sprint(n)))...)
	}
	damaged := bytes.Replace(mustLine(t, event("damaged")), []byte(`"eventID"`), make([]byte, 9), 1)
	log = append(append(log, damaged...), mustLine(t, event("last"))...)
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, path)
	defer closeLog(t, l)
	write(t, l, event("new"))
	for id, want := range map[string]bool{
		"last": true, fmt.Sprint(n - 1): true, fmt.Sprint(n - n/3): true,
		"0": false, fmt.Sprint(n / 3): false, "absent": false, "": false, "damaged": false, "new": false,
	} {
		if l.Has(id) != want {
			t.Errorf("Has(%q) = %v", id, !want)
		}
	}
	if l.Cut() != 0 {
		t.Errorf("cut %d bytes of whole lines", l.Cut())
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
	// A stable sort by writer leaves the order of each writer's events.
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
	if l.Revision() != 9 || !l.Has("change") || !l.Has("read") {
		t.Errorf("the log has the stamp %d", l.Revision())
	}
}
