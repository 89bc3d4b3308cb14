package anchor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/logtest"
)

const origin = "keyhold/deployment/node"

// newLog returns a log of n lines. Logs with another word have other lines.
func newLog(t *testing.T, word string, n int) *logtest.Log {
	l := logtest.New(t, origin, 1)
	for i := range n {
		l.Add(fmt.Sprintf("%s %d", word, i))
	}
	return l
}

// at returns the checkpoint of the first n lines.
func at(t *testing.T, l *logtest.Log, n int64) Checkpoint {
	t.Helper()
	c, err := Open(l.Checkpoint(n), l.Verifier(), l)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFile(t *testing.T) {
	l, fork := newLog(t, "line", 40), newLog(t, "another line", 40)
	a := File{filepath.Join(t.TempDir(), "anchor")}
	for _, step := range []struct {
		what      string
		c         Checkpoint
		confirmed int64
		want      error
	}{
		{"the first checkpoint", at(t, l, 10), 0, nil},
		{"the same again", at(t, l, 10), 10, nil},
		{"a larger one", at(t, l, 20), 10, nil},
		{"by a server without its state", at(t, l, 20), 0, nil},
		{"an older one", at(t, l, 10), 0, ErrNewer},
		{"a fork of the same size", at(t, fork, 20), 0, ErrForked},
		{"a larger fork", at(t, fork, 30), 0, ErrForked},
		{"a checkpoint that the anchor lost", at(t, l, 40), 30, ErrForgot},
		{"the next one", at(t, l, 21), 20, nil},
	} {
		before, _ := os.ReadFile(a.path)
		receipt, err := a.Keep(t.Context(), step.c, step.confirmed)
		if !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("%s: %v, want %v", step.what, err, step.want)
		}
		after, _ := os.ReadFile(a.path)
		if err != nil && !bytes.Equal(before, after) {
			t.Errorf("%s: the file has changed", step.what)
		}
		if err == nil && (!bytes.Equal(receipt, step.c.Signed) || !bytes.Contains(after, step.c.Signed)) {
			t.Errorf("%s: the receipt is %q", step.what, receipt)
		}
	}
}

// A file has the checkpoints of all logs that ever used it, and a function to compare them.
func TestFileOfSeveralLogs(t *testing.T) {
	a := File{filepath.Join(t.TempDir(), "anchor")}
	l, other := newLog(t, "line", 5), logtest.New(t, "keyhold/deployment/other", 2).Add("x", "y")
	for _, c := range []Checkpoint{at(t, l, 4), at(t, other, 1), at(t, l, 5), at(t, other, 2)} {
		if _, err := a.Keep(t.Context(), c, 0); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Read(a.path)
	if err != nil || len(all) != 2 || all[0].Checkpoint != l.At(5) || all[1].Checkpoint != other.At(2) {
		t.Fatalf("%+v, %v", all, err)
	}
	if err := all[0].Check(Log{l.Verifier(), l}); err != nil {
		t.Error(err)
	}
	for what, log := range map[string]Log{
		"a shorter log":    {l.Verifier(), newLog(t, "line", 4)},
		"another log":      {l.Verifier(), newLog(t, "another line", 5)},
		"the key of other": {other.Verifier(), l},
	} {
		if err := all[0].Check(log); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// A damaged file is neither trusted nor replaced.
func TestDamagedFile(t *testing.T) {
	l := newLog(t, "line", 5)
	a := File{filepath.Join(t.TempDir(), "anchor")}
	if _, err := a.Keep(t.Context(), at(t, l, 4), 0); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(a.path)
	if err != nil {
		t.Fatal(err)
	}
	texts := [][]byte{[]byte("x"), []byte("a config\n\nof something\n\n"), append(bytes.Clone(sound), sound...), sound[:len(sound)-2], make([]byte, maxFile+1)}
	for i := range sound {
		if i < len(sound)-1 && sound[i] != '\n' {
			changed := bytes.Clone(sound)
			changed[i] ^= 1
			texts = append(texts, changed)
		}
	}
	for _, text := range texts {
		if err := os.WriteFile(a.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := a.Keep(t.Context(), at(t, l, 5), 4)
		if after, _ := os.ReadFile(a.path); err == nil || !bytes.Equal(after, text) {
			t.Errorf("%.300q: %v", text, err)
		}
		if Refuted(err) {
			t.Errorf("%.300q refutes the log: %v", text, err)
		}
	}
	if _, err := (File{t.TempDir()}).Keep(t.Context(), at(t, l, 5), 0); err == nil {
		t.Error("a folder is taken for a file")
	}
}

// A file that cannot be written is an error, and keeps its content.
func TestFileCannotBeWritten(t *testing.T) {
	l := newLog(t, "line", 5)
	a := File{filepath.Join(t.TempDir(), "anchor")}
	if _, err := a.Keep(t.Context(), at(t, l, 4), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(a.path+".new", "x"), 0o700); err != nil { // stops even root
		t.Fatal(err)
	}
	if _, err := a.Keep(t.Context(), at(t, l, 5), 4); err == nil || Refuted(err) {
		t.Error(err)
	}
	if all, err := Read(a.path); err != nil || len(all) != 1 || all[0].Size != 4 {
		t.Errorf("%v, %v", all, err)
	}
	if err := os.RemoveAll(a.path + ".new"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Keep(t.Context(), at(t, l, 5), 4); err != nil {
		t.Error(err)
	}
	if _, err := (File{filepath.Join(t.TempDir(), "not mounted", "anchor")}).Keep(t.Context(), at(t, l, 5), 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	v, err := witnessKey()
	if err != nil {
		t.Fatal(err)
	}
	key := v.Verifier.String()
	for text, key := range map[string]string{
		"file:/mnt/anchor": "", "https://witness.example.com": key, "https://witness.example.com:4600/prefix/": key, "http://127.0.0.1:1": key, "http://[::1]:1": key,
	} {
		if a, err := Parse(text, key); err != nil || a.String() != strings.TrimSuffix(text, "/") {
			t.Errorf("%s: %v, %v", text, a, err)
		}
	}
	for text, key := range map[string]string{
		"": key, "/mnt/anchor": "", "file:anchor": "", "file:": "", "file:/mnt/a": key, "ftp://x": key, "https://": key, "https://x?y": key, "https://a:b@x": key, "https://x#y": key,
		"http://10.0.0.1": key, "https://x": "", "https://y": "key", "https://z z": key,
		"htps://a:b@x": key, "https://a:b@%zz": key,
	} {
		if a, err := Parse(text, key); err == nil || strings.Contains(err.Error(), "a:b") {
			t.Errorf("%s %s: %v, %v", text, key, a, err)
		}
	}
}
