package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The Mark of a log is the end of its last event, also after Close, and also behind what an earlier process wrote. A
// line without an end does not count.
func TestLast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	length := int64(0)
	for _, id := range []string{"a", "b"} {
		l := openLog(t, path)
		for _, long := range []string{"", strings.Repeat("x", 100<<10)} {
			e := event(id + long[:min(1, len(long))])
			e.UserAgent = long
			if err := l.Write(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			length += int64(len(mustLine(t, e)))
			if got := l.Last(); got != (Mark{length, e.EventID}) {
				t.Errorf("%+v, want %d bytes and %s", got, length, e.EventID)
			}
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			_, err = f.WriteString(`{"eventVersion":"1`)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if got := l.Last(); got != (Mark{length, id + "x"}) {
			t.Errorf("with half a line behind it: %+v", got)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := l.Last(); got != (Mark{length, id + "x"}) {
			t.Errorf("after Close: %+v", got)
		}
	}
	l := New(Discard{}, Options{})
	if err := l.Write(t.Context(), event("a")); err != nil || l.Last() != (Mark{Bytes: int64(len(mustLine(t, event("a"))))}) {
		t.Errorf("without a file: %+v, %v", l.Last(), err)
	}
	l.Close()
}

// A copy of a log has what the log had up to a Mark, line by line.
func TestCheckCopy(t *testing.T) {
	a, b, c, d := string(mustLine(t, event("a"))), string(mustLine(t, event("b"))), string(mustLine(t, event("c"))), string(mustLine(t, event("d")))
	mark := Mark{int64(len(a + b)), "b"}
	for _, test := range []struct{ name, log, want string }{
		{"the log", a + b, ""},
		{"more events", a + b + c, ""},
		{"more events and half a line", a + b + c[:9], ""},
		{"nothing", "", "it has 0 bytes"},
		{"a line is missing at the end", a, "the log had at least"},
		{"a line is missing in the middle", b + c, "the event that the log of the node had"},
		{"a line is there twice", a + a + b, "the event that the log of the node had"},
		{"another log", c + d, "the event that the log of the node had"},
		{"another log of longer lines", strings.Replace(c, `"userAgent":""`, `"userAgent":"xx"`, 1) + d, "the event that the log of the node had"},
		{"the last line has no end", a + b[:len(b)-1] + " ", "line 2 has no end"},
		{"a line is not an event", "{}" + strings.Repeat(" ", len(a)-3) + "\n" + b, "line 1 is not an event"},
		{"a later line is not an event", a + b + "x\n" + c, "line 3 is not an event"},
		{"zeros", strings.Repeat("\x00", len(a+b)), "line 1 has no end"},
	} {
		err := CheckCopy(sections([]byte(test.log)), mark)
		if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrNotWhole) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if err := CheckCopy(sections([]byte(c+d)), Mark{Bytes: mark.Bytes}); err != nil {
		t.Errorf("if only the length is known: %v", err)
	}
	if err := CheckCopy(sections(nil), Mark{}); err != nil {
		t.Errorf("of a log without events: %v", err)
	}
}

// A log that has only a part of a line, or only a newline, has no last event.
func TestLastWithoutAnEvent(t *testing.T) {
	for _, text := range []string{"", `{"torn`, "\n"} {
		path := filepath.Join(t.TempDir(), "audit.log")
		l := openLog(t, path)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := l.Last(); got != (Mark{}) {
			t.Errorf("%q: %+v", text, got)
		}
		closeLog(t, l)
	}
}
