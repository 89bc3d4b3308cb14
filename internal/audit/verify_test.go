package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/transparency"
)

// findingsOf verifies a log, and returns its findings.
func findingsOf(t *testing.T, c VerifyConfig) (v Verification, all []Finding) {
	t.Helper()
	c.Report = func(f Finding) { all = append(all, f) }
	v, err := Verify(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if v.Findings != len(all) {
		t.Errorf("%d findings, and %d were reported", v.Findings, len(all))
	}
	c.Report = nil
	if again, err := Verify(t.Context(), c); err != nil || again != v {
		t.Errorf("without reports: %+v, %v", again, err)
	}
	return v, all
}

func testVerifier(t *testing.T) (c VerifyConfig) {
	t.Helper()
	v, err := testKeys.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	return VerifyConfig{Verifier: v, Chain: testKeys.Chain}
}

func TestFindingsAreLines(t *testing.T) {
	for want, f := range map[string]Finding{
		"broken": {Err: errors.New("broken")}, "a: broken": {Segment: "a", Err: errors.New("broken")},
		"a, line 1: broken": {Segment: "a", Line: 1, Err: errors.New("broken")},
	} {
		if got := f.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// At most ten findings of a kind are reported, and then their number.
func TestManyFindings(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 10: 10, 11: 11, 30: 11} {
		text := eventsFrom(t, 0, 2) + strings.Repeat("garbage\n", n) + eventsFrom(t, 2, 1)
		path, _ := logOf(t, text)
		v, all := findingsOf(t, VerifyConfig{Path: path})
		if len(all) != want || v.Events != 3 || v.Size != int64(n+3) || v.First != 0 || v.Chained != 0 {
			t.Errorf("%d bad lines: %+v, %v", n, v, all)
		}
		for i, f := range all {
			if i < 10 && (f.Segment != "audit.log" || f.Line != int64(i+3)) {
				t.Errorf("%d bad lines: %v", n, f)
			}
		}
		if n > 10 && (len(all) == 0 || all[len(all)-1].String() != fmt.Sprintf("unreadable lines: %d in all", n)) {
			t.Errorf("%d bad lines: %v", n, all)
		}
	}
}

// protectedLog returns a log of n events that has ended.
func protectedLog(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, Options{})
	writeMany(t, l, 0, n)
	closeLog(t, l)
	return path
}

// Each edit of a line has the finding of its kind, with and without the key of the chain.
func TestKindsOfFindings(t *testing.T) {
	for what, test := range map[string]struct {
		edit        func(lines [][]byte) [][]byte
		chain, tree []int64 // lines with a finding if the key of the chain is known, and if not
		of          error
		all         string // the last finding about the number
	}{
		"no edit": {edit: func(l [][]byte) [][]byte { return l }},
		"an event": {edit: func(l [][]byte) [][]byte {
			l[4] = bytes.Replace(l[4], []byte("event-4"), []byte("event-x"), 1)
			return l
		}, chain: []int64{5}, tree: []int64{5}},
		"the value of the chain": {edit: func(l [][]byte) [][]byte {
			l[4][len(l[4])-5] ^= 1
			return l
		}, chain: []int64{5, 6}, tree: []int64{5}},
		"no value of the chain": {edit: func(l [][]byte) [][]byte {
			l[4] = append(l[4][:len(l[4])-chainedLen-1], "}\n"...)
			return l
		}, chain: []int64{5, 6}, tree: []int64{5}},
		"two lines in the other order": {edit: func(l [][]byte) [][]byte {
			l[4], l[5] = l[5], l[4]
			return l
		}, chain: []int64{5, 6, 7}, tree: []int64{5, 6}},
	} {
		path := protectedLog(t, 20)
		lines := bytes.SplitAfter(read(t, path), []byte("\n"))
		if err := os.WriteFile(path, bytes.Join(test.edit(lines), nil), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, known := range []bool{true, false} {
			c, want := testVerifier(t), test.chain
			if c.Path = path; !known {
				c.Chain, want = nil, test.tree
			}
			_, all := findingsOf(t, c)
			var got []int64
			for _, f := range all {
				if f.Line > 0 {
					got = append(got, f.Line)
				}
				if f.Line > 0 && known && !errors.Is(f.Err, errChain) {
					t.Errorf("%s: %v", what, f)
				}
			}
			if !slices.Equal(got, want) || (len(all) > len(got)) != (len(want) > 0) { // the root differs too
				t.Errorf("%s, with the key %v: %v", what, known, all)
			}
		}
	}
}

// What protects a log is verified: the checkpoint, its root, its signature, and whether there must be one.
func TestFindingsOfCheckpoints(t *testing.T) {
	other := testKeys
	other.Seed = bytes.Repeat([]byte{9}, 32)
	sign := func(size int64, change byte, keys Keys) func(path string) error {
		return func(path string) error {
			at := filepath.Join(FolderOf(path), checkpointName)
			text, err := os.ReadFile(at)
			if err != nil {
				return err
			}
			c, err := transparency.ParseCheckpoint(string(text))
			if err != nil {
				return err
			}
			c.Size, c.Root[0] = size, c.Root[0]^change
			signed, err := c.Sign(transparency.NewSigner(keys.Origin, keys.Seed))
			return errors.Join(err, os.WriteFile(at, signed, 0o600))
		}
	}
	remove := func(path string) error { return os.Remove(filepath.Join(FolderOf(path), checkpointName)) }
	for what, test := range map[string]struct {
		edit   func(path string) error
		config func(c *VerifyConfig)
		want   string // in the finding; "" if there is none
	}{
		"no edit":      {edit: sign(20, 0, testKeys)},
		"another root": {edit: sign(20, 1, testKeys), want: "the first 20 lines differ from the checkpoint"},
		"more lines":   {edit: sign(21, 0, testKeys), want: transparency.ErrShorter.Error() + ": 20, and 21"},
		"another key":  {edit: sign(20, 0, other), want: "checkpoint: "},
		"a folder": {edit: func(path string) error {
			return errors.Join(remove(path), os.Mkdir(filepath.Join(FolderOf(path), checkpointName), 0o700))
		}, want: "checkpoint: "},
		"no key":    {edit: sign(20, 0, testKeys), config: func(c *VerifyConfig) { c.Verifier = nil }, want: "checkpoint: no key of this log is known"},
		"an origin": {edit: sign(20, 0, testKeys), config: func(c *VerifyConfig) { c.Verifier, c.Chain, c.Origin = nil, nil, testKeys.Origin }},
		"another origin": {edit: sign(20, 0, testKeys), config: func(c *VerifyConfig) { c.Verifier, c.Chain, c.Origin = nil, nil, "keyhold/X/Y" },
			want: "checkpoint: it is a checkpoint of the log " + testKeys.Origin + ", not of keyhold/X/Y"},
		"an origin, and another root": {edit: sign(20, 1, testKeys), config: func(c *VerifyConfig) { c.Verifier, c.Chain, c.Origin = nil, nil, testKeys.Origin },
			want: "the first 20 lines differ from the checkpoint"},
		"an origin, and none": {edit: remove, config: func(c *VerifyConfig) { c.Verifier, c.Chain, c.Origin = nil, nil, testKeys.Origin }, want: errNoSign.Error()},
		"no checkpoint":       {edit: remove, want: errNoSign.Error()},
		"none, unsigned":      {edit: remove, config: func(c *VerifyConfig) { c.Unsigned = true }, want: errNoSign.Error()},
		"none, without keys":  {edit: remove, config: func(c *VerifyConfig) { c.Verifier, c.Chain = nil, nil }, want: errNoSign.Error()},
	} {
		c := testVerifier(t)
		c.Path = protectedLog(t, 20)
		if test.config != nil {
			test.config(&c)
		}
		if err := test.edit(c.Path); err != nil {
			t.Fatal(err)
		}
		v, all := findingsOf(t, c)
		found := slices.ContainsFunc(all, func(f Finding) bool { return strings.HasPrefix(f.String(), test.want) })
		if test.want == "" && len(all) > 0 || test.want != "" && !found || v.Size != 20 || v.Events != 20 {
			t.Errorf("%s: %+v, %v, want %q", what, v, all, test.want)
		}
	}
	for _, test := range []struct{ verifier, unsigned, want bool }{{false, false, false}, {true, false, true}, {true, true, false}, {false, true, false}} {
		path, _ := logOf(t, eventsFrom(t, 0, 3))
		c := VerifyConfig{Path: path, Unsigned: test.unsigned}
		if test.verifier {
			c.Verifier = testVerifier(t).Verifier
		}
		if _, all := findingsOf(t, c); (len(all) > 0) != test.want || test.want && all[0].Err != errNoSign {
			t.Errorf("%+v: %v", test, all)
		}
	}
}

// The state of a log without its newest lines, without its file, with a torn end, and with stray files.
func TestVerifySeesTheFolder(t *testing.T) {
	path := protectedLog(t, 20)
	c := testVerifier(t)
	c.Path = path
	if v, all := findingsOf(t, c); len(all) > 0 || v.Chained != 20 || v.Checkpoint.Size != 20 || v.Torn != 0 || v.Missing != 0 {
		t.Errorf("%+v, %v", v, all)
	}
	whole := read(t, path)
	for what, test := range map[string]struct {
		text string
		torn int64
		want int
	}{
		"a torn end":              {string(whole) + `{"torn`, 6, 0},
		"without a line":          {string(whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1]), 0, 1},
		"another line":            {string(whole) + string(Stamp(mustLine(t, event("x")), 9)), 0, 1},
		"a line that is too long": {string(whole) + longLine(t), 0, 1},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		v, all := findingsOf(t, c)
		if len(all) != test.want || v.Torn != test.torn || (v.Revision == 9) != (what == "another line") {
			t.Errorf("%s: %+v, %v", what, v, all)
		}
		if what == "a line that is too long" && (len(all) == 0 || all[0].Err != errTooLong || all[0].Line != 21) {
			t.Errorf("%s: %v", what, all)
		}
	}
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(FolderOf(path), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, all := findingsOf(t, c)
	if len(all) != 4 || !errors.Is(all[0].Err, fs.ErrNotExist) || all[1] != (Finding{"a", 0, errStray}) || all[2] != (Finding{"b", 0, errStray}) || !errors.Is(all[3].Err, transparency.ErrShorter) {
		t.Errorf("%v", all)
	}
	if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
}

// Full tiles that are missing are counted. A partial tile may be missing. A tile that differs is found once.
func TestVerifyTiles(t *testing.T) {
	path := protectedLog(t, 600)
	for what, test := range map[string]struct {
		edit    func(folder string) error
		missing int
		want    []string
	}{
		"no edit":              {func(string) error { return nil }, 0, nil},
		"no tiles":             {func(folder string) error { return os.RemoveAll(filepath.Join(folder, "tile")) }, 2, nil},
		"no second tile":       {func(folder string) error { return os.Remove(filepath.Join(folder, "tile/0/001")) }, 1, nil},
		"no partial tile":      {func(folder string) error { return os.RemoveAll(filepath.Join(folder, "tile/0/002.p")) }, 0, nil},
		"another leaf":         {func(folder string) error { return flipByte(filepath.Join(folder, "tile/0/001"), 32*3) }, 0, []string{"audit.log, line 260: " + errNotInTree.Error()}},
		"another partial leaf": {func(folder string) error { return flipByte(filepath.Join(folder, "tile/0/002.p/88"), 32*3) }, 0, []string{"audit.log, line 516: " + errNotInTree.Error()}},
		"another hash above":   {func(folder string) error { return flipByte(filepath.Join(folder, "tile/1/000.p/2"), 3) }, 0, []string{"tile/1/000.p/2: " + errTile.Error()}},
		"a longer tile":        {func(folder string) error { return addZero(filepath.Join(folder, "tile/0/001")) }, 0, []string{"tile/0/001: " + errTile.Error()}},
	} {
		c := testVerifier(t)
		c.Path = copyLog(t, path)
		if err := test.edit(FolderOf(c.Path)); err != nil {
			t.Fatal(err)
		}
		v, all := findingsOf(t, c)
		var got []string
		for _, f := range all {
			got = append(got, f.String())
		}
		if v.Missing != test.missing || !slices.Equal(got, test.want) || v.Size != 600 {
			t.Errorf("%s: %d missing, %q, want %q", what, v.Missing, got, test.want)
		}
	}
}

// The tile that ends with the checkpoint is full, so it is missed.
func TestVerifyMissesTheLastFullTile(t *testing.T) {
	c := testVerifier(t)
	c.Path = protectedLog(t, 512)
	if err := os.Remove(filepath.Join(FolderOf(c.Path), "tile/0/001")); err != nil {
		t.Fatal(err)
	}
	if v, all := findingsOf(t, c); v.Missing != 1 || len(all) > 0 {
		t.Errorf("%d missing, %v", v.Missing, all)
	}
}

// addZero adds a zero to a file.
func addZero(path string) error {
	text, err := os.ReadFile(path)
	return errors.Join(err, os.WriteFile(path, append(text, 0), 0o600))
}

// A tile has no finding of its own if its lines have one, of whichever kind.
func TestVerifyReportsATileOnce(t *testing.T) {
	c := testVerifier(t)
	c.Path = protectedLog(t, 300)
	err := errors.Join(replaceIn(`"eventID":"event-30"`, `"eventID":"event-3x"`)(c.Path), flipByte(filepath.Join(FolderOf(c.Path), "tile/0/000"), 32*50))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	_, all := findingsOf(t, c)
	for _, f := range all {
		got = append(got, f.String())
	}
	want := []string{"audit.log, line 31: " + errChain.Error(), "audit.log, line 51: " + errNotInTree.Error(), "the first 300 lines differ from the checkpoint"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// A log with deleted lines needs the chain and the hashes of the deleted lines, and the event of the deletion.
func TestVerifyDeletions(t *testing.T) {
	path := agedLogOf(t, testDay, 300)
	l := openRetained(t, path, testDay, nil)
	if _, err := l.retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	mustBeSound(t, path, 301)
	for what, test := range map[string]struct {
		edit func(folder string) error
		want string
	}{
		"no chain": {func(folder string) error {
			text, err := os.ReadFile(filepath.Join(folder, deletedName))
			if err != nil {
				return err
			}
			cut := bytes.Index(text, []byte(`"chain":"`)) + len(`"chain":"`)
			return os.WriteFile(filepath.Join(folder, deletedName), append(text[:cut], `"}`...), 0o600)
		}, "deleted: it does not have the chain of the last deleted line"},
		"no hashes": {func(folder string) error { return os.RemoveAll(filepath.Join(folder, "tile")) }, "the hashes of deleted lines are missing: "},
	} {
		c := testVerifier(t)
		c.Path = copyLog(t, path)
		if err := test.edit(FolderOf(c.Path)); err != nil {
			t.Fatal(err)
		}
		if _, all := findingsOf(t, c); len(all) == 0 || !strings.HasPrefix(all[0].String(), test.want) {
			t.Errorf("%s: %v", what, all)
		}
	}
}

// Lines after the last checkpoint have a chain, in a log of which no line has a chain too.
func TestLinesWithoutChainAfterACheckpoint(t *testing.T) {
	for _, test := range []struct{ signed, unchained, findings int }{{0, 3, 3}, {2, 3, 1}, {3, 3, 0}} {
		path := filepath.Join(t.TempDir(), "audit.log")
		old, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		writeMany(t, old, 0, test.signed)
		closeLog(t, old)
		closeLog(t, openProtected(t, path, Options{})) // with a checkpoint of these lines
		if old, err = Open(path, Options{}); err != nil {
			t.Fatal(err)
		}
		writeMany(t, old, test.signed, test.unchained-test.signed)
		closeLog(t, old)
		for _, chain := range [][]byte{testKeys.Chain, nil} {
			c := testVerifier(t)
			c.Path, c.Chain = path, chain
			if _, all := findingsOf(t, c); len(all) != test.findings {
				t.Errorf("%+v, with the key of the chain %v: %v", test, chain != nil, all)
			}
		}
	}
}
