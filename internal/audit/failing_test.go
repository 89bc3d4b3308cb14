package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A failingLog is a recoverable in memory. Its call with a number, counted from 1, fails.
type failingLog struct {
	*bytes.Reader
	calls, fails int
}

func (f *failingLog) fail() error {
	if f.calls++; f.calls == f.fails {
		return errDisk
	}
	return nil
}

func (f *failingLog) ReadAt(b []byte, at int64) (int, error) {
	if err := f.fail(); err != nil {
		return 0, err
	}
	return f.Reader.ReadAt(b, at)
}

func (f *failingLog) Stat() (os.FileInfo, error) { return fileInfo{f.Size()}, f.fail() }
func (f *failingLog) Truncate(size int64) error  { return f.fail() }
func (f *failingLog) Sync() error                { return f.fail() }

// Every reader of the log returns the error of any call of a file that fails.
func TestEachCallCanFail(t *testing.T) {
	var log []byte
	for i := range 20 {
		log = append(log, Stamp(mustLine(t, Event{EventID: fmt.Sprint(i), UserAgent: strings.Repeat("x y", 100)}), int64(i))...)
	}
	end := len(log)
	torn := append(bytes.Clone(log), `{"eventV`...)
	hole := bytes.Clone(log)
	clear(hole[1024:1530]) // it ends within a sector, so the byte after it is read again
	hole[1530] = '{'
	atSector := bytes.Clone(log)
	clear(atSector[1024:1536])
	for name, content := range map[string][]byte{"whole": log, "torn": torn, "a hole": hole, "a hole of a sector": atSector, "empty": nil} {
		for what, call := range map[string]func(f *failingLog) error{
			"Open": func(f *failingLog) error { _, err := recoverLog(f, layout{}, f.fail); return err },
			"Read": func(f *failingLog) error {
				_, err := Read(io.NewSectionReader(f, 0, f.Size()), func(int64, error) {})
				return err
			},
			"Since": func(f *failingLog) error {
				return past{lines: io.NewSectionReader(f, 0, int64(min(end, len(content))))}.since(400, func(string) {})
			},
		} {
			f := &failingLog{Reader: bytes.NewReader(content)}
			sound := call(f)
			calls := f.calls
			if what == "Since" && strings.HasPrefix(name, "a hole") {
				if !errors.Is(sound, ErrUnreadable) {
					t.Errorf("%s, %s: %v", what, name, sound)
				}
			} else if sound != nil {
				t.Errorf("%s, %s: %v", what, name, sound)
			}
			for n := 1; n <= calls; n++ {
				f := &failingLog{Reader: bytes.NewReader(content), fails: n}
				if err := call(f); !errors.Is(err, errDisk) {
					t.Errorf("%s, %s: call %d of %d fails, and the error is %v", what, name, n, calls, err)
				}
			}
			if calls == 0 && len(content) > 0 {
				t.Errorf("%s, %s: no call", what, name)
			}
		}
	}
}

// Since and Read return the error of each read of a log that does not fit into one.
func TestEachReadOfALongLogCanFail(t *testing.T) {
	line := mustLine(t, Event{EventID: "e", UserAgent: strings.Repeat("x", 900)})
	log := bytes.Repeat(line, 3000)
	for what, call := range map[string]func(f *failingLog) error{
		"Since": func(f *failingLog) error {
			return past{lines: io.NewSectionReader(f, 0, f.Size())}.since(int64(len(line)), func(string) {})
		},
		"Read": func(f *failingLog) error {
			_, err := Read(io.NewSectionReader(f, 0, f.Size()), func(int64, error) {})
			return err
		},
	} {
		f := &failingLog{Reader: bytes.NewReader(log)}
		if err := call(f); err != nil || f.calls < 2 {
			t.Errorf("%s: %v after %d reads", what, err, f.calls)
		}
		for n := 1; n <= f.calls; n++ {
			if err := call(&failingLog{Reader: bytes.NewReader(log), fails: n}); !errors.Is(err, errDisk) {
				t.Errorf("%s: read %d of %d fails, and the error is %v", what, n, f.calls, err)
			}
		}
	}
}

// Every function that needs the open file returns its error.
func TestClosedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, path)
	write(t, l, event("a"))
	closeLog(t, l)
	if l.Hold(1<<20) == nil {
		t.Error("Hold returns no error")
	}
}

// A file of one byte is a log only if the byte can begin a line.
func TestFilesOfOneByte(t *testing.T) {
	for content, ok := range map[string]bool{"": true, "{": true, "\x00": true, "x": false, " ": false, "\n": false} {
		size, _, err := logSize(&failingLog{Reader: bytes.NewReader([]byte(content))})
		if (err == nil) != ok || ok && size != int64(len(content)) || !ok && size != 0 {
			t.Errorf("%q: %d, %v", content, size, err)
		}
	}
}

// A file that is not a log has no size.
func TestSizesOfOtherFiles(t *testing.T) {
	closed, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if size, _, err := logSize(closed); size != 0 || err == nil {
		t.Errorf("a folder: %d, %v", size, err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if size, _, err := logSize(closed); size != 0 || err == nil {
		t.Errorf("a closed file: %d, %v", size, err)
	}
	for call := 1; call <= 2; call++ {
		if size, _, err := logSize(&failingLog{Reader: bytes.NewReader([]byte("{}")), fails: call}); size != 0 || !errors.Is(err, errDisk) {
			t.Errorf("call %d fails: %d, %v", call, size, err)
		}
	}
}

// CheckCopy returns the error of each read.
func TestCheckCopyOfABrokenDisk(t *testing.T) {
	log := []byte(eventsFrom(t, 0, 3))
	if err := CheckCopy(sections(log), Mark{Bytes: int64(len(log)), Event: "event-2"}); err != nil {
		t.Error(err)
	}
	f := &failingLog{Reader: bytes.NewReader(log), fails: 1}
	if err := CheckCopy(io.NewSectionReader(f, 0, f.Size()), Mark{Bytes: 1}); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

// Last leaves the log free for the closing of a segment.
func TestLastDoesNotHoldTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{SegmentBytes: 1})
	defer closeLog(t, l)
	for i := range 3 {
		write(t, l, event(fmt.Sprint(i)))
		if last := l.Last(); last.Event != fmt.Sprint(i) || last.Bytes != l.End() {
			t.Errorf("%+v, want %d bytes", last, l.End())
		}
	}
}

// A write keeps the buffer of a small batch, and drops the buffer of a large batch.
func TestSpareBuffers(t *testing.T) {
	l := New(Discard{}, Options{})
	defer closeLog(t, l)
	for size, want := range map[int]bool{100: true, maxSpare: true, maxSpare + 1: false} {
		l.mu.Lock()
		l.spare, l.open, l.written = nil, []*batch{{lines: make([]byte, size), done: make(chan struct{})}}, 0
		l.mu.Unlock()
		l.finishWrite(nil)
		l.mu.Lock()
		if got := l.spare != nil; got != want {
			t.Errorf("a batch of %d bytes is kept: %v", size, got)
		}
		l.open, l.written = nil, 0
		l.mu.Unlock()
	}
}

// Zeros that begin at a sector, or at the beginning of a line, are a hole only if they also end like one.
func TestHolesToTheByte(t *testing.T) {
	line := func(size int) string { return lineOf(t, "e", 0, size) }
	for _, test := range []struct {
		what     string
		log      string
		from, to int
		want     int64 // -1 is the size of the log
	}{
		{"no zeros", line(1000) + line(1000), 0, 0, -1},
		{"from a sector, to within", line(1000) + line(1000), 512, 520, -1},
		{"from a sector, to a sector", line(1000) + line(1000), 512, 1024, 0},
		{"from a sector, to the end", line(1000) + line(1000), 1536, 2000, 1000},
		{"one byte at a sector", line(1000) + line(1000), 1024, 1025, -1},
		{"from the first byte, to within", line(1000) + line(1000), 0, 5, -1},
		{"from the first byte, to a line", line(1000) + line(1000), 0, 1000, 0},
		{"from the second line, to a sector", line(1000) + line(1000), 1000, 1536, 1000},
		{"behind a zero that is damage", line(1000)[:600] + "\x00" + line(1000)[601:] + line(1000), 1024, 1536, 1000},
	} {
		log := []byte(test.log)
		clear(log[test.from:test.to])
		if test.want < 0 {
			test.want = int64(len(log))
		}
		if got, err := firstTorn(bytes.NewReader(log), int64(len(log))); got != test.want || err != nil {
			t.Errorf("%s: %d, %v, want %d", test.what, got, err, test.want)
		}
	}
	f := &failingLog{Reader: bytes.NewReader([]byte("abc")), fails: 1}
	if at, err := first(f, 0, 3, isZero); at != 0 || !errors.Is(err, errDisk) {
		t.Errorf("%d, %v", at, err)
	}
}

// Values other than texts are not encoded as a text.
func TestBase64IsForTexts(t *testing.T) {
	for value, want := range map[string]string{`{"a":1}`: `{"a":1}`, `[1]`: `[1]`, `7`: `7`, `"\u0000a"`: `{"base64":"AGE="}`} {
		got := asBase64([]byte(value))
		if string(got) != want || !json.Valid(got) {
			t.Errorf("%s becomes %s", value, got)
		}
	}
}

// A text that fits is not shortened.
func TestBeginnings(t *testing.T) {
	for _, test := range []struct {
		text string
		room int
		want string
	}{{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"", 0, ""}, {"a\"b", 3, "a\""}, {"a\"b", 2, "a"}, {"\n", 6, "\n"}, {"\n", 5, ""}} {
		if got := beginning(test.text, test.room); got != test.want {
			t.Errorf("%q in %d: %q, want %q", test.text, test.room, got, test.want)
		}
	}
}
