package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	a, b := string(Stamp(mustLine(t, event("a")), 7)), string(mustLine(t, event("b")))
	long := strings.Repeat("x", 2*maxLine) + "\n"
	old := string(mustLine(t, event("old")))
	old = strings.Replace(old, `"userAgent":""`, `"userAgent":"`+strings.Repeat("x", 3<<20)+`"`, 1) // a line as written by versions without a limit
	for _, test := range []struct {
		name, log string
		want      Reading
		damaged   []int64
	}{
		{"nothing", "", Reading{}, nil},
		{"two events", a + b, Reading{Events: 2, Revision: 7}, nil},
		{"the newest stamp is not the last", string(Stamp([]byte(b), 9)) + a, Reading{Events: 2, Revision: 9}, nil},
		{"a torn end", a + b[:20], Reading{Events: 1, Revision: 7, Torn: 20}, nil},
		{"two lines that are not events", "\n" + a + "{}\n" + b, Reading{Events: 2, Revision: 7}, []int64{1, 3}},
		{"a newline that is gone", a[:len(a)-1] + "\x02" + b + b, Reading{Events: 1}, []int64{1}},
		{"a line that is too long", long + a + long, Reading{Events: 1, Revision: 7}, []int64{1, 3}},
		{"a line of an old program", a + string(Stamp([]byte(old), 8)), Reading{Events: 2, Revision: 8}, nil},
	} {
		var damaged []int64
		got, err := Read(sections([]byte(test.log)), func(line int64, err error) {
			if err == nil {
				t.Errorf("%s: line %d has no error", test.name, line)
			}
			damaged = append(damaged, line)
		})
		if err != nil || got != test.want || !slices.Equal(damaged, test.damaged) {
			t.Errorf("%s: %+v, %v, %v", test.name, got, damaged, err)
		}
	}
	broken := errors.New("broken")
	if _, err := Read(io.NewSectionReader(brokenFile{broken}, 0, 1), nil); !errors.Is(err, broken) {
		t.Errorf("of an unreadable file: %v", err)
	}
}

type brokenFile struct{ err error }

func (f brokenFile) ReadAt([]byte, int64) (int, error) { return 0, f.err }

// Read finds a flipped bit in the syntax of a line.
func TestReadFindsFlips(t *testing.T) {
	line := mustLine(t, sample())
	for _, i := range []int{0, len(line) - 2, bytes.IndexByte(line, ':'), bytes.IndexByte(line, '"')} {
		for bit := range 8 {
			flipped := bytes.Clone(line)
			flipped[i] ^= 1 << bit
			found := 0
			r, err := Read(sections(append(flipped, line...)), func(int64, error) { found++ })
			if err != nil || found == 0 || r.Events != 1 {
				t.Error(fmt.Sprintf("byte %d, bit %d:", i, bit), r, found, err)
			}
		}
	}
}
