package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

var testKeys = Keys{
	Origin: transparency.Origin("ABCDEFGHIJKLMNOP", "5XGAWTLB3S224534"),
	Seed:   bytes.Repeat([]byte{1}, 32),
	Chain:  bytes.Repeat([]byte{2}, 32),
}

func protection() Protection { return Protection{Keys: testKeys, Log: slog.New(slog.DiscardHandler)} }

// small makes segments of about 20 events.
var small = Options{SegmentBytes: 10 << 10}

func openProtected(t *testing.T, path string, o Options) *Log {
	t.Helper()
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Protect(t.Context(), protection()); err != nil {
		t.Fatal(err)
	}
	return l
}

func writeMany(t *testing.T, l *Log, first, n int) {
	t.Helper()
	for i := range n {
		e := Event{EventID: fmt.Sprintf("event-%d", first+i), EventName: "Decrypt", RequestID: fmt.Sprint("request-", first+i), UserAgent: strings.Repeat("agent ", first%7)}
		if err := l.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// verify returns the findings of a log.
func verifyLog(t *testing.T, path string, chain []byte) (v Verification, findings []string) {
	t.Helper()
	verifier, err := testKeys.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	v, err = Verify(t.Context(), VerifyConfig{Path: path, Verifier: verifier, Chain: chain, Report: func(f Finding) { findings = append(findings, f.String()) }})
	if err != nil {
		t.Fatal(err)
	}
	return v, findings
}

func mustBeSound(t *testing.T, path string, lines int64) Verification {
	t.Helper()
	for _, chain := range [][]byte{testKeys.Chain, nil} {
		v, findings := verifyLog(t, path, chain)
		if len(findings) > 0 || v.Size != lines || v.Events != lines-v.First {
			t.Fatalf("%d lines, %d events, want %d lines: %q", v.Size, v.Events, lines, findings)
		}
		if chain != nil {
			defer func() { _ = v }()
		}
	}
	v, _ := verifyLog(t, path, testKeys.Chain)
	return v
}

// waitCompressed waits until all closed segments are compressed.
func waitCompressed(t *testing.T, path string) layout {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(time.Millisecond) {
		l, err := readLayout(FolderOf(path))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := filepath.Glob(filepath.Join(l.folder, "*"+lineSuffix))
		if err != nil {
			t.Fatal(err)
		}
		if len(plain) == 0 && len(l.closed) > 0 {
			return l
		}
	}
	t.Fatal("the segments are not compressed")
	return layout{}
}

// A log of an older version is protected once, is closed as the first segment, and goes on as before.
func TestProtect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	old, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	writeMany(t, old, 0, 300)
	end := old.End()
	closeLog(t, old)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l := openProtected(t, path, small)
	if l.End() != end {
		t.Errorf("the log ends at %d, and ended at %d", l.End(), end)
	}
	writeMany(t, l, 300, 300)
	closed := waitCompressed(t, path)
	if first := closed.closed[0]; first.End != 300 || first.EndByte != int64(len(before)) || len(closed.closed) < 10 {
		t.Errorf("%d segments, and the first is %+v", len(closed.closed), first)
	}
	if e, found, err := l.Find(t.Context(), "request-7"); err != nil || !found || e.EventID != "event-7" {
		t.Errorf("found %v, %v, %v", found, e.EventID, err)
	}
	end = l.End()
	closeLog(t, l)
	v := mustBeSound(t, path, 600)
	if v.Chained != 300 || v.Checkpoint.Size != 600 {
		t.Errorf("%+v", v)
	}
	f, err := OpenFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for line, err := range f.Lines(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, line...), '\n')
	}
	if !bytes.HasPrefix(all, before) || int64(len(all)) != end || v.Checkpoint.Check(f) != nil {
		t.Errorf("%d bytes, want %d, %v", len(all), end, v.Checkpoint.Check(f))
	}

	// After another start, offsets, IDs and the tree go on.
	l = openProtected(t, path, small)
	if l.End() != end || l.Blank() {
		t.Errorf("the log ends at %d, want %d", l.End(), end)
	}
	for _, from := range []int64{0, int64(len(before)), end - 2000, end} {
		ids := map[string]bool{}
		if err := l.Since(from, func(id string) { ids[id] = true }); err != nil {
			t.Fatal(err)
		}
		want := bytes.Count(all[from:], []byte("\n"))
		if from == end-2000 { // in a line, which is left out
			want--
		}
		if len(ids) != want {
			t.Errorf("%d events from byte %d, want %d", len(ids), from, want)
		}
	}
	writeMany(t, l, 600, 10)
	closeLog(t, l)
	mustBeSound(t, path, 610)
}

// Missing tiles are made again, and the log stays the same.
func TestTilesAreRebuilt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, small)
	writeMany(t, l, 0, 700)
	closeLog(t, l)
	if err := os.RemoveAll(filepath.Join(FolderOf(path), "tile")); err != nil {
		t.Fatal(err)
	}
	if v := mustBeSound(t, path, 700); v.Missing == 0 {
		t.Error("no tile is missing")
	}
	closeLog(t, openProtected(t, path, small))
	if v := mustBeSound(t, path, 700); v.Missing != 0 {
		t.Errorf("%d tiles are missing", v.Missing)
	}
}

// A kill leaves a sound log, whatever the last checkpoint is, and at each step of the closing and compression of a
// segment.
func TestProtectAfterAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{SegmentBytes: 1 << 30})
	defer l.Close()
	writeMany(t, l, 0, 50)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	writeMany(t, l, 50, 5)
	killed := copyLog(t, path)
	v := mustBeSound(t, killed, 55)
	if v.Checkpoint.Size != 50 {
		t.Errorf("the checkpoint has %d lines", v.Checkpoint.Size)
	}
	name := Segment{First: 0, End: 55, EndByte: l.End(), Closed: time.Now()}.FileName()
	for what, step := range map[string]func(path, folder string) error{
		"the link": func(path, folder string) error { return os.Link(path, filepath.Join(folder, name)) },
		"the new file": func(path, folder string) error {
			return errors.Join(os.Link(path, filepath.Join(folder, name)), os.WriteFile(path+temporarySuffix, nil, 0o600))
		},
		"half of the compression": func(path, folder string) error {
			return errors.Join(os.Rename(path, filepath.Join(folder, name)), os.WriteFile(path, nil, 0o600),
				os.WriteFile(filepath.Join(folder, name+".zst"+temporarySuffix), []byte("half"), 0o600))
		},
		"the compression": func(path, folder string) error {
			plain := filepath.Join(folder, name)
			return errors.Join(os.Rename(path, plain), os.WriteFile(path, nil, 0o600), writeCompressed(t.Context(), plain, plain+".zst"))
		},
	} {
		at := copyLog(t, killed)
		if err := step(at, FolderOf(at)); err != nil {
			t.Fatal(err)
		}
		mustBeSound(t, at, 55)
		again := openProtected(t, at, Options{SegmentBytes: 1 << 30})
		writeMany(t, again, 55, 3)
		waitCompressed(t, at)
		closeLog(t, again)
		mustBeSound(t, at, 58)
		if left, _ := filepath.Glob(filepath.Join(FolderOf(at), "*"+temporarySuffix)); len(left) > 0 {
			t.Errorf("%s: %v are left", what, left)
		}
	}
}

// A log whose lines since the checkpoint were edited is not opened.
func TestProtectRefusesEdits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{})
	defer l.Close()
	writeMany(t, l, 0, 20)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	writeMany(t, l, 20, 20)
	for what, edit := range map[string]func(path string) error{
		"a line after the checkpoint":     replaceIn(`"eventID":"event-30"`, `"eventID":"event-31"`),
		"fewer lines than the checkpoint": func(path string) error { return os.Truncate(path, 1000) },
		"the checkpoint": func(path string) error {
			return replaceIn("\n20\n", "\n21\n")(filepath.Join(FolderOf(path), checkpointName))
		},
		"a segment": func(path string) error {
			return os.Rename(path, filepath.Join(FolderOf(path), Segment{First: 1, End: 40}.FileName()))
		},
	} {
		at := copyLog(t, path)
		if err := edit(at); err != nil {
			t.Fatal(err)
		}
		edited, err := Open(at, Options{})
		if errors.Is(err, ErrUnreadable) && what == "a segment" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := edited.Protect(t.Context(), protection()); !errors.Is(err, ErrAltered) && !errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v", what, err)
		}
		closeLog(t, edited)
	}
}

func replaceIn(from, to string) func(path string) error {
	return func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte(from)) {
			return fmt.Errorf("%s has no %q", path, from)
		}
		return os.WriteFile(path, bytes.Replace(text, []byte(from), []byte(to), 1), 0o600)
	}
}

// copyLog copies a log and its folder to another folder.
func copyLog(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	if err := copyTree(filepath.Dir(path), dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, filepath.Base(path))
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(name, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
}

// Every new log has the value of the chain as its last member, so readers of CloudTrail records are not disturbed.
func TestChainMember(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{})
	line := mustLine(t, event("a"))
	if err := l.Append(Stamp(line, 7), nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Append([]byte("no object\n"), nil); !errors.Is(err, errUnchainable) {
		t.Errorf("%v", err)
	}
	closeLog(t, l)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _ := strings.CutSuffix(string(Stamp(line, 7)), "}\n")
	if !strings.HasPrefix(string(text), head+chainMember) || len(text) != len(head)+len(emptyChain) || strings.Contains(string(text), emptyChain) {
		t.Errorf("%s", text)
	}
	if id, revision, err := parseLine(bytes.TrimSuffix(text, []byte("\n"))); id != "a" || revision != 7 || err != nil {
		t.Errorf("%s, %d, %v", id, revision, err)
	}
}

// Names of segments sort by their place in the log.
func TestSegmentNames(t *testing.T) {
	s := Segment{First: 12, End: 4711, EndByte: 1 << 40, Closed: time.Date(2026, 11, 30, 12, 0, 5, 0, time.UTC)}
	for _, compressed := range []bool{false, true} {
		s.Compressed = compressed
		if got, ok := parseSegment(s.FileName()); !ok || got != s {
			t.Errorf("%s: %+v, %v", s.FileName(), got, ok)
		}
	}
	if name := s.FileName(); name != "000000000012-000000004711-001099511627776-20261130T120005Z.jsonl.zst" {
		t.Error(name)
	}
	for _, name := range []string{"", "a", "1-2-3-20261130T120005Z.jsonl", s.Name(), s.FileName() + ".tmp", "000000000013-000000000012-000000000000003-20261130T120005Z.jsonl"} {
		if _, ok := parseSegment(name); ok {
			t.Errorf("%q is a segment", name)
		}
	}
	if slices.Contains([]string{FolderOf("a/log"), FolderOf("a/audit.log")}, "a/log") || FolderOf("a/audit.log") != "a/audit" {
		t.Error("a folder has the name of its log")
	}
}
