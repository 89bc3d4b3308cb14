package audit

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A disklog is a recoverable in memory that records calls.
type disklog struct {
	*bytes.Reader
	calls   []string
	syncErr error
}

func (d *disklog) Stat() (os.FileInfo, error) { return fileInfo{d.Size()}, nil }
func (d *disklog) Truncate(size int64) error {
	d.calls = append(d.calls, fmt.Sprint("truncate ", size))
	return nil
}
func (d *disklog) Sync() error       { d.calls = append(d.calls, "sync"); return d.syncErr }
func (d *disklog) syncFolder() error { d.calls = append(d.calls, "sync the folder"); return nil }

type fileInfo struct{ size int64 }

func (fileInfo) Name() string       { return "audit.log" }
func (i fileInfo) Size() int64      { return i.size }
func (fileInfo) Mode() os.FileMode  { return 0o600 }
func (fileInfo) ModTime() time.Time { return time.Time{} }
func (fileInfo) IsDir() bool        { return false }
func (fileInfo) Sys() any           { return nil }

// Open makes the remaining lines and the file name durable before it does anything else.
func TestRecoveredLogIsSynced(t *testing.T) {
	line := Stamp(mustLine(t, event("whole")), 7)
	for torn, want := range map[string][]string{
		"":          {"sync", "sync the folder"},
		`{"eventV`:  {fmt.Sprint("truncate ", len(line)), "sync", "sync the folder"},
		"\x00\x00{": {fmt.Sprint("truncate ", len(line)), "sync", "sync the folder"},
	} {
		d := &disklog{Reader: bytes.NewReader(append(bytes.Clone(line), torn...))}
		p, err := recoverLog(d, layout{}, d.syncFolder)
		if err != nil || !slices.Equal(d.calls, want) || p.torn != int64(len(torn)) || p.revision != 7 {
			t.Errorf("%q: %q, %+v, %v", torn, d.calls, p, err)
		}
		if d.syncErr = syscall.EIO; err == nil {
			_, err = recoverLog(d, layout{}, d.syncFolder)
		}
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("the sync failed, and Open returns %v", err)
		}
		d.syncErr = nil
		if _, err := recoverLog(d, layout{}, func() error { return syscall.EROFS }); !errors.Is(err, syscall.EROFS) {
			t.Errorf("the sync of the folder failed, and Open returns %v", err)
		}
	}
}

// lineOf returns a line of about this size with a revision, or without one if it is 0.
func lineOf(t *testing.T, id string, revision int64, size int) string {
	t.Helper()
	line := mustLine(t, event(id))
	if revision != 0 {
		line = Stamp(line, revision)
	}
	return strings.Replace(string(line), `"userAgent":""`, `"userAgent":"`+strings.Repeat("x", max(0, size-len(line)))+`"`, 1)
}

// Whatever a log ends with, Open finds the newest stamp or returns an error.
func TestNewestStampIsFound(t *testing.T) {
	const newest = 1000
	stamped := lineOf(t, "e", newest, 0)
	many := strings.Repeat(lineOf(t, "e", 0, 900), 3000) // more than tailStep
	for name, test := range map[string]struct {
		end     string
		refused bool
	}{
		"nothing":                          {"", false},
		"an older stamp":                   {lineOf(t, "e", 5, 0), false},
		"a long line":                      {lineOf(t, "e", 0, 3<<20), false},
		"a long line with an older stamp":  {lineOf(t, "e", 5, 3<<20), false},
		"the longest line":                 {lineOf(t, "e", 0, maxLine), false},
		"many lines without stamps":        {many, false},
		"many, and one with an older":      {many + lineOf(t, "e", 5, 0), false},
		"long ones and short ones":         {lineOf(t, "e", 0, 2<<20) + many + lineOf(t, "e", 5, 2<<20), false},
		"an older line, never read":        {lineOf(t, "e", 0, 3*maxLine), true},
		"garbage":                          {"garbage\n", true},
		"garbage, and an older stamp":      {"garbage\n" + lineOf(t, "e", 5, 0), true},
		"a newline":                        {"\n", true},
		"much garbage":                     {strings.Repeat("garbage", 1<<20) + "\n", true},
		"JSON that is not an event":        {"{}\n", true},
		"a hole that no power failure has": {"{\"a\":\"\x00\"}\n" + lineOf(t, "e", 5, 0), true},
		"garbage without its newline":      {"garbage", false}, // incomplete, therefore never fsynced
	} {
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path, []byte(lineOf(t, "e", 3, 0)+stamped+test.end), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, Options{})
		if refused := errors.Is(err, ErrUnreadable); refused != test.refused || !refused && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if l.Revision() != newest || l.Blank() {
				t.Errorf("%s: the newest stamp is %d", name, l.Revision())
			}
			closeLog(t, l)
		}
	}
}

// Concurrent requests write their stamps in any order.
func TestStampsOutOfOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var log strings.Builder
		newest := int64(0)
		for at := range int64(2 * tailStamps) {
			revision := 1 + at + random.Int64N(tailStamps/2)
			newest = max(newest, revision)
			log.WriteString(lineOf(t, "e", revision, random.IntN(4000)))
		}
		_, got, err := newestStamp(strings.NewReader(log.String()), int64(log.Len()))
		if err != nil || got != newest {
			t.Fatalf("%d, want %d: %v", got, newest, err)
		}
	}
}

// Since returns an error if a line in its range is damaged.
func TestSinceRefusesDamage(t *testing.T) {
	first, second := lineOf(t, "e", 1, 0), lineOf(t, "e", 2, 2<<20)
	for name, test := range map[string]struct {
		log  string
		from int
		want int // -1 means an error
	}{
		"all":                     {first + second, 0, 2},
		"from the second":         {first + second, len(first), 1},
		"from within the second":  {first + second + first, len(first) + 1, 1},
		"from within damage":      {first + "garbage\n" + first, len(first) + 1, 1},
		"damage":                  {first + "garbage\n" + first, len(first), -1},
		"a line that is too long": {first + strings.Repeat("x", 2*maxLine) + "\n" + first, 0, -1},
		"from within such a line": {first + strings.Repeat("x", 2*maxLine) + "\n" + first, len(first) + 1, 1},
	} {
		n := 0
		err := past{lines: sections([]byte(test.log))}.since(int64(test.from), func(string) { n++ })
		if refused := errors.Is(err, ErrUnreadable); refused != (test.want < 0) || !refused && (n != test.want || err != nil) {
			t.Errorf("%s: %d events, %v", name, n, err)
		}
	}
}

// The error names the offset of the damaged line.
func TestDamageHasAnOffset(t *testing.T) {
	line, long := lineOf(t, "e", 1, 0), lineOf(t, "e", 2, 2<<20)
	for name, test := range map[string]struct {
		before string
		from   int
	}{
		"the first line":         {"", 0},
		"the second":             {line, 0},
		"the third":              {line + line, 0},
		"behind a long line":     {line + long, 0},
		"from the second":        {line + line, len(line)},
		"from within the first":  {line + line, 1},
		"from the damage itself": {line + line, 2 * len(line)},
	} {
		err := past{lines: sections([]byte(test.before + "garbage\n" + line))}.since(int64(test.from), func(string) {})
		if want := fmt.Sprintf("at byte %d: ", len(test.before)); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
