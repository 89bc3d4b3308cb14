package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// edits is the number of edits that TestEdits makes: KEYHOLD_EDITS, or few.
func edits() int {
	n, _ := strconv.Atoi(os.Getenv("KEYHOLD_EDITS"))
	return cmp.Or(n, 48)
}

// An edit changes the lines of a log. It returns nil if the lines would stay the same.
type edit func(r *rand.Rand, lines [][]byte) [][]byte

var lineEdits = map[string]edit{
	"flip": func(r *rand.Rand, lines [][]byte) [][]byte {
		i := r.IntN(len(lines))
		lines[i] = bytes.Clone(lines[i])
		lines[i][r.IntN(len(lines[i]))] ^= 1 << r.IntN(8)
		return lines
	},
	"delete": func(r *rand.Rand, lines [][]byte) [][]byte {
		i := r.IntN(len(lines))
		return slices.Delete(lines, i, min(len(lines), i+1+r.IntN(3)))
	},
	"insert": func(r *rand.Rand, lines [][]byte) [][]byte {
		return slices.Insert(lines, r.IntN(len(lines)+1), lines[r.IntN(len(lines))])
	},
	"swap": func(r *rand.Rand, lines [][]byte) [][]byte {
		i, j := r.IntN(len(lines)), r.IntN(len(lines))
		if i == j {
			return nil
		}
		lines[i], lines[j] = lines[j], lines[i]
		return lines
	},
	"truncate": func(r *rand.Rand, lines [][]byte) [][]byte {
		i := r.IntN(len(lines))
		lines[i] = lines[i][:r.IntN(len(lines[i]))]
		return lines[:i+1]
	},
	"splice": func(r *rand.Rand, lines [][]byte) [][]byte {
		from, to := r.IntN(len(lines)), r.IntN(len(lines))
		n := 1 + r.IntN(min(5, len(lines)-max(from, to)))
		if from == to {
			return nil
		}
		copied := slices.Clone(lines[from : from+n])
		copy(lines[to:], copied)
		return lines
	},
}

// Each edit of a stopped log is found, without the key of the chain too. Lines after the last checkpoint need the key of
// the chain, because a killed server leaves such lines; that they were cut off at a line cannot be found.
func TestEdits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	old := openLog(t, path)
	writeMany(t, old, 0, 40)
	closeLog(t, old)
	l := openProtected(t, path, small)
	writeMany(t, l, 40, 600)
	waitCompressed(t, path)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	writeMany(t, l, 640, 12)
	killed := copyLog(t, path)
	closeLog(t, l)
	mustBeSound(t, path, 652)
	mustBeSound(t, killed, 652)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range lineEdits {
			if !yield(name) {
				return
			}
		}
	})
	found := map[string]int{}
	for i := range edits() {
		name := names[i%len(names)]
		what := editFiles(t, r, path, name, lineEdits[name], "")
		for _, chain := range [][]byte{testKeys.Chain, nil} {
			if chain == nil && isPrefix(t, path, what.path) {
				continue // the edit only added lines after the last checkpoint
			}
			if _, findings := verifyLog(t, what.path, chain); len(findings) == 0 {
				t.Fatalf("seed %d: %s in %s was not found, with the key of the chain: %v", seed, name, what.file, chain != nil)
			}
		}
		found[name]++
		os.RemoveAll(filepath.Dir(what.path))
		if name == "truncate" || i%3 != 0 {
			continue
		}
		what = editFiles(t, r, killed, name, lineEdits[name], "audit.log")
		if cutOff(t, killed, what.path) {
			continue
		}
		if _, findings := verifyLog(t, what.path, testKeys.Chain); len(findings) == 0 {
			t.Fatalf("seed %d: %s after a kill was not found", seed, name)
		}
		os.RemoveAll(filepath.Dir(what.path))
	}
	t.Logf("found %v", found)
}

// cutOff reports whether an edited log is a log with fewer lines, and possibly a part of another.
func cutOff(t *testing.T, whole, edited string) bool {
	a, b := readBoth(t, whole, edited)
	return bytes.HasPrefix(a, b[:bytes.LastIndexByte(b, '\n')+1])
}

// isPrefix reports whether the file that grows of a log is the beginning of the one of an edited log.
func isPrefix(t *testing.T, whole, edited string) bool {
	a, b := readBoth(t, whole, edited)
	return len(b) > len(a) && bytes.HasPrefix(b, a)
}

func readBoth(t *testing.T, whole, edited string) (a, b []byte) {
	t.Helper()
	a, err := os.ReadFile(whole)
	if err == nil {
		b, err = os.ReadFile(edited)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

type edited struct{ path, file string }

// editFiles copies a log, and edits the lines of a random file, or of the given one.
func editFiles(t *testing.T, r *rand.Rand, path, name string, e edit, file string) edited {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := copyTree(filepath.Dir(path), dir); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, filepath.Base(path))
	all, err := readLayout(FolderOf(at))
	if err != nil {
		t.Fatal(err)
	}
	n := r.IntN(len(all.closed) + 1)
	if file != "" || n == len(all.closed) {
		editFile(t, r, at, name, e, false)
		return edited{at, filepath.Base(at)}
	}
	editFile(t, r, all.path(all.closed[n]), name, e, true)
	return edited{at, all.closed[n].FileName()}
}

func editFile(t *testing.T, r *rand.Rand, path, name string, e edit, compressed bool) {
	t.Helper()
	if compressed && name == "flip" && r.IntN(2) == 0 {
		flipCompressed(t, r, path)
		return
	}
	text, err := textOf(t, path)
	if err != nil {
		t.Fatal(err)
	}
	for {
		lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		lines[len(lines)-1] = append(bytes.Clone(lines[len(lines)-1]), '\n')
		if lines = e(r, slices.Clone(lines)); lines != nil && !bytes.Equal(bytes.Join(lines, nil), text) {
			text = bytes.Join(lines, nil)
			break
		}
	}
	plain := strings.TrimSuffix(path, ".zst")
	if err := os.WriteFile(plain, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if compressed {
		if err := writeCompressed(t.Context(), plain, path); err != nil {
			t.Fatal(err)
		}
		os.Remove(plain)
	}
}

// flipCompressed flips a bit of a compressed segment. A bit that leaves all lines as they are, such as the unused one of
// the frame header (RFC 8878, section 3.1.1.1.1), is not an edit.
func flipCompressed(t *testing.T, r *rand.Rand, path string) {
	t.Helper()
	whole, err := textOf(t, path)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for {
		flipped := bytes.Clone(packed)
		flipped[r.IntN(len(flipped))] ^= 1 << r.IntN(8)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := textOf(t, path); err != nil || !bytes.Equal(text, whole) {
			return
		}
	}
}

// textOf returns the lines of a file of a log.
func textOf(t *testing.T, path string) (text []byte, err error) {
	t.Helper()
	dir, name := filepath.Split(path)
	segment, ok := parseSegment(name)
	if !ok {
		return os.ReadFile(path)
	}
	l := layout{folder: dir, closed: []Segment{segment}}
	l.readSegment(t.Context(), 0, 0, func(at place, failed error) bool {
		err = failed
		text = append(append(text, at.line...), '\n')
		return err == nil
	})
	return text, err
}

// Every bit of a checkpoint and of a tile is verified.
func TestEditsBesideTheLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, small)
	writeMany(t, l, 0, 600)
	waitCompressed(t, path)
	closeLog(t, l)
	mustBeSound(t, path, 600)
	r := rand.New(rand.NewPCG(1, 2))
	for _, pattern := range []string{"checkpoint", "tile/0/*", "tile/0/002.p/*", "tile/1/000.p/*"} {
		files, err := filepath.Glob(filepath.Join(FolderOf(path), pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a folder
			}
			for range 10 {
				changed := bytes.Clone(text)
				at := r.IntN(len(text))
				changed[at] ^= 1 << r.IntN(8)
				if err := os.WriteFile(file, changed, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, findings := verifyLog(t, path, testKeys.Chain); len(findings) == 0 {
					t.Errorf("byte %d of %s was changed, and no finding tells", at, file)
				}
			}
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, change := range map[string]func(folder string) error{
		"no checkpoint": func(folder string) error { return os.Remove(filepath.Join(folder, checkpointName)) },
		"a stray file":  func(folder string) error { return os.WriteFile(filepath.Join(folder, "x.jsonl"), nil, 0o600) },
		"no first segment": func(folder string) error {
			all, err := readLayout(folder)
			if err != nil {
				return err
			}
			return os.Remove(all.path(all.closed[0]))
		},
		"no growing file": func(folder string) error { return os.Remove(folder + ".log") },
		"a forged deletion": func(folder string) error {
			all, err := readLayout(folder)
			if err != nil {
				return err
			}
			s := all.closed[0]
			return os.WriteFile(filepath.Join(folder, deletedName), fmt.Appendf(nil, `{"end":%d,"endByte":%d,"chain":"AAAAAAAAAAAAAAAAAAAAAA"}`, s.End, s.EndByte), 0o600)
		},
	} {
		at := copyLog(t, path)
		if err := change(FolderOf(at)); err != nil {
			t.Fatal(err)
		}
		if _, findings := verifyLog(t, at, nil); len(findings) == 0 {
			t.Errorf("%s: no finding", what)
		}
	}
}
