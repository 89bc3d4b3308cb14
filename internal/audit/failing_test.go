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

// Whichever call of a file fails, what reads the log returns the error.
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

// What needs the open file returns its error.
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
