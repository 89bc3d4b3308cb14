package witness

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/logtest"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

const name = "witness.example.com/one"

// open opens the witness in a folder, which knows the logs. It makes the witness if necessary.
func open(t *testing.T, folder string, logs ...*logtest.Log) *Witness {
	t.Helper()
	if !HasKey(folder) {
		if err := Create(folder, name); err != nil {
			t.Fatal(err)
		}
	}
	w, err := Open(folder, listOf(t, logs...), slog.New(slog.DiscardHandler), noon)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func listOf(t *testing.T, logs ...*logtest.Log) Logs {
	t.Helper()
	var list strings.Builder
	for _, l := range logs {
		fmt.Fprintf(&list, "%s %s\n", l.Key, l.Origin)
	}
	known, err := ReadLogs(strings.NewReader(list.String()))
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// status returns the HTTP status of an error, and the size that it names.
func status(err error) (int, int64) {
	var r *Refusal
	switch {
	case err == nil:
		return 200, -1
	case errors.As(err, &r):
		return r.Status, r.Size
	}
	return 500, -1
}

func testLog(t *testing.T, origin string, seed byte) *logtest.Log {
	l := logtest.New(t, origin, seed)
	for i := range 40 {
		l.Add(fmt.Sprintf("line %d", i))
	}
	return l
}

// Each row of c2sp.org/tlog-witness, after the witness has cosigned size 10 of the log.
func TestAnswers(t *testing.T) {
	l := testLog(t, "example.com/log", 1)
	fork := logtest.New(t, "example.com/log", 1)
	for i := range 40 {
		fork.Add(fmt.Sprintf("another line %d", i))
	}
	stranger, otherKey := testLog(t, "example.com/other", 2), testLog(t, "example.com/log", 3)
	unsized := []byte("old 10\n\nexample.com/log\nten\n" + l.At(10).Root.String() + "\n\n— x y\n")
	request := func(old int64, proof *logtest.Log, from, to int64, checkpoint []byte) []byte {
		return cosign.Request{Old: old, Proof: proof.Proof(from, to), Checkpoint: checkpoint}.Bytes()
	}
	for what, row := range map[string]struct {
		body   []byte
		status int
		size   int64
	}{
		"the next checkpoint":             {l.Request(10, 12), 200, -1},
		"the same checkpoint":             {l.Request(10, 10), 200, -1},
		"with extension lines":            {request(10, l, 10, 12, l.Sign(l.At(12).Text()+"x\n")), 200, -1},
		"no request":                      {[]byte("GET"), 400, -1},
		"no checkpoint":                   {[]byte("old 10\n\nexample.com/log\n"), 400, -1},
		"a size in words":                 {unsized, 400, -1},
		"an old size above the new one":   {l.Request(10, 9), 400, -1},
		"an unknown log":                  {stranger.Request(0, 5), 404, -1},
		"another key for the log":         {otherKey.Request(10, 12), 403, -1},
		"no signature":                    {request(10, l, 10, 12, []byte(l.At(12).Text()+"\n")), 403, -1},
		"a changed checkpoint":            {bytes.Replace(l.Request(10, 12), []byte("\n12\n"), []byte("\n13\n"), 1), 403, -1},
		"signed by the key of another":    {request(10, l, 10, 12, stranger.Sign(l.At(12).Text())), 403, -1},
		"the first checkpoint again":      {l.Request(0, 12), 409, 10},
		"an old size that was not signed": {l.Request(9, 12), 409, 10},
		"an old size in the future":       {l.Request(11, 12), 409, 10},
		"an older checkpoint":             {l.Request(5, 8), 409, 10},
		"a fork of the same size":         {fork.Request(10, 10), 409, -1},
		"a fork that is larger":           {fork.Request(10, 12), 422, -1},
		"the proof of another size":       {request(10, l, 9, 12, l.Checkpoint(12)), 422, -1},
		"no proof":                        {request(10, l, 0, 0, l.Checkpoint(12)), 422, -1},
		"a proof for the same size":       {request(10, l, 9, 12, l.Checkpoint(10)), 422, -1},
	} {
		w := open(t, t.TempDir(), l)
		if _, err := w.Add(l.Request(0, 10), noon); err != nil {
			t.Fatal(err)
		}
		line, err := w.Add(row.body, noon.Add(time.Minute))
		got, size := status(err)
		if got != row.status || size != row.size {
			t.Errorf("%s: %d with size %d (%v), want %d with size %d", what, got, size, err, row.status, row.size)
		}
		if err == nil {
			verify(t, w, row.body, line)
		} else if line != nil {
			t.Errorf("%s: refused with a signature", what)
		}
	}
}

// verify checks a signature line with the key of the witness.
func verify(t *testing.T, w *Witness, body, line []byte) {
	t.Helper()
	_, checkpoint, _ := bytes.Cut(body, []byte("\n\n"))
	_, n, err := cosign.Open(append(bytes.Clone(checkpoint), line...), w.Verifier())
	if err != nil {
		t.Errorf("the cosignature: %v", err)
		return
	}
	if at, err := cosign.TimeOf(n.Sigs[0]); err != nil || !at.Equal(noon.Add(time.Minute)) {
		t.Errorf("the time of the cosignature is %v, %v", at, err)
	}
}

// A witness that never cosigned a log knows it as empty, and an empty log can be cosigned.
func TestFirstCheckpoint(t *testing.T) {
	l := testLog(t, "example.com/log", 1)
	for what, row := range map[string]struct {
		body   []byte
		status int
		size   int64
	}{
		"a first checkpoint":             {l.Request(0, 10), 200, -1},
		"of an empty log":                {l.Request(0, 0), 200, -1},
		"an old size":                    {l.Request(5, 10), 409, 0},
		"a proof that is not needed":     {cosign.Request{Proof: l.Proof(5, 10), Checkpoint: l.Checkpoint(10)}.Bytes(), 422, -1},
		"an empty log with a wrong root": {cosign.Request{Checkpoint: l.Sign("example.com/log\n0\n" + l.At(1).Root.String() + "\n")}.Bytes(), 409, -1},
	} {
		_, err := open(t, t.TempDir(), l).Add(row.body, noon)
		if got, size := status(err); got != row.status || size != row.size {
			t.Errorf("%s: %d with size %d (%v), want %d with size %d", what, got, size, err, row.status, row.size)
		}
	}
}

// A witness knows its checkpoints after a restart, and refuses a folder that lost them.
func TestRestart(t *testing.T) {
	l, folder := testLog(t, "example.com/log", 1), t.TempDir()
	w := open(t, folder, l)
	if _, err := Open(folder, nil, slog.Default(), noon); !errors.Is(err, durable.ErrInUse) {
		t.Errorf("a second process: %v", err)
	}
	if _, err := w.Add(l.Request(0, 10), noon); err != nil {
		t.Fatal(err)
	}
	key := w.Verifier().String()
	w.Close()
	w = open(t, folder) // the list does not have the log for a time
	if _, err := w.Add(l.Request(10, 12), noon); err == nil {
		t.Error("an unlisted log is cosigned")
	}
	w.Close()
	w = open(t, folder, l)
	if w.Verifier().String() != key {
		t.Error("the key has changed")
	}
	if got, size := status(second(w.Add(l.Request(0, 12), noon))); got != 409 || size != 10 {
		t.Errorf("after a restart: %d, size %d", got, size)
	}
	w.Close()
	kept := checkpointPath(folder, l.Origin)
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		if err := os.WriteFile(kept, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Open(folder, listOf(t, l), slog.Default(), noon)
		if err != nil {
			continue
		}
		// Only the signature of the log may differ, which the witness verified before it signed.
		if got := w.logs[l.Origin].newest; got != l.At(10) {
			t.Errorf("with a changed byte %d the witness knows %v", i, got)
		}
		w.Close()
	}
	if err := os.RemoveAll(filepath.Join(folder, checkpointsName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, listOf(t, l), slog.Default(), noon); err == nil {
		t.Error("a witness without its checkpoints starts")
	}
}

func second[A, B any](_ A, b B) B { return b }

// What cannot be kept is not cosigned, and can be cosigned later.
func TestFolderFails(t *testing.T) {
	l, folder := testLog(t, "example.com/log", 1), t.TempDir()
	w := open(t, folder, l)
	if _, err := w.Add(l.Request(0, 10), noon); err != nil {
		t.Fatal(err)
	}
	// A folder in the place of the new file stops even root.
	blocked := checkpointPath(folder, l.Origin) + ".new"
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	line, err := w.Add(l.Request(10, 12), noon)
	if got, _ := status(err); got != 500 || line != nil {
		t.Errorf("%d, %q", got, line)
	}
	if _, err := w.Add(l.Request(10, 10), noon); err != nil {
		t.Errorf("the checkpoint that is kept: %v", err)
	}
	if err := os.RemoveAll(blocked); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add(l.Request(10, 12), noon); err != nil {
		t.Errorf("when the folder works again: %v", err)
	}
}

// Of two checkpoints with the same old size, one is cosigned.
func TestConcurrentCheckpoints(t *testing.T) {
	l := testLog(t, "example.com/log", 1)
	w := open(t, t.TempDir(), l)
	var answers sync.Map
	var all sync.WaitGroup
	for n := int64(1); n <= 20; n++ {
		all.Go(func() {
			if _, err := w.Add(l.Request(0, n), noon); err == nil {
				answers.Store(n, true)
			}
		})
	}
	all.Wait()
	count := 0
	answers.Range(func(n, _ any) bool {
		count++
		if w.logs[l.Origin].newest != l.At(n.(int64)) {
			t.Errorf("size %d was cosigned, and the witness knows %v", n, w.logs[l.Origin].newest)
		}
		return true
	})
	if count != 1 {
		t.Errorf("%d checkpoints were cosigned", count)
	}
}

// A log cannot make the witness write without end, and its rate does not concern another log. The same checkpoint costs
// no write and is always cosigned.
func TestRates(t *testing.T) {
	l, other := logtest.New(t, "example.com/log", 1), logtest.New(t, "example.com/other", 2).Add("x")
	w, made := open(t, t.TempDir(), l, other), int64(0)
	for range 2 * changes.Burst {
		l.Add("x")
		err := second(w.Add(l.Request(made, l.Size()), noon))
		if got, _ := status(err); got != 200 && got != 429 {
			t.Fatal(err)
		}
		if err == nil {
			made = l.Size()
		}
	}
	if made < int64(changes.Burst)/2 || made > int64(changes.Burst) {
		t.Errorf("%d checkpoints at once", made)
	}
	if _, err := w.Add(l.Request(made, made), noon); err != nil {
		t.Errorf("the same checkpoint: %v", err)
	}
	if _, err := w.Add(other.Request(0, 1), noon); err != nil {
		t.Errorf("another log: %v", err)
	}
	if _, err := w.Add(l.Request(made, l.Size()), noon.Add(time.Minute)); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

// The operator learns of a log that forks, a few times and not with each request.
func TestAccusations(t *testing.T) {
	l, fork := testLog(t, "example.com/log", 1), logtest.New(t, "example.com/log", 1)
	for range 20 {
		fork.Add("another line")
	}
	var log bytes.Buffer
	w := open(t, t.TempDir(), l)
	w.log = slog.New(slog.NewTextHandler(&log, nil))
	if _, err := w.Add(l.Request(0, 10), noon); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		w.Add(fork.Request(10, 12), noon)
	}
	if n := strings.Count(log.String(), "\n"); n < 1 || n > accusations.Burst || !strings.Contains(log.String(), "origin=example.com/log size=12") {
		t.Errorf("%d lines: %s", n, log.String())
	}
}

func TestReadLogs(t *testing.T) {
	a, b := logtest.New(t, "example.com/log", 1), logtest.New(t, "example.com/log", 2)
	logs, err := ReadLogs(strings.NewReader("# logs\n\n" + a.Key + "\n " + b.Key + "  example.com/log \n" + a.Key + " a log with spaces\n"))
	if err != nil || len(logs) != 2 || len(logs["example.com/log"]) != 2 || len(logs["a log with spaces"]) != 1 {
		t.Errorf("%v, %v", logs, err)
	}
	v, err := cosign.NewVerifier("w", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"\nexample.com/log\n":      `line 2: "example.com/log" is not the verifier key of a log`,
		v.String():                 "line 1: ",
		a.Key + "\n" + a.Key:       "line 2: the key",
		a.Key + "\n+":              "line 2: ",
		manyLogs(t, maxLogs+1):     "line 1001: the list has more than 1000 keys",
		strings.Repeat("x", 1<<17): "too long",
	} {
		if logs, err := ReadLogs(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %d logs, %v", text, len(logs), err)
		}
	}
	if logs, err := ReadLogs(strings.NewReader(manyLogs(t, maxLogs))); err != nil || len(logs) != maxLogs {
		t.Errorf("%d logs, %v", len(logs), err)
	}
}

func manyLogs(t *testing.T, n int) string {
	key := logtest.New(t, "example.com/log", 1).Key
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "%s log-%d\n", key, i)
	}
	return list.String()
}

// A folder is made once, and refused if its key is damaged or open to others.
func TestCreate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "witness")
	if err := Create(folder, "not a name"); err == nil || HasKey(folder) {
		t.Error("a wrong name is accepted")
	}
	if err := Create(folder, name); err != nil {
		t.Fatal(err)
	}
	if err := Create(folder, name); err == nil {
		t.Error("the key is replaced")
	}
	path := filepath.Join(folder, keyName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := open(t, folder)
	if v, err := cosign.ParseVerifier(w.Verifier().String()); err != nil || v.Name() != name {
		t.Error(v, err)
	}
	w.Close()
	for _, broken := range []string{"", "PRIVATE+KEY+", string(text[1:]), strings.Replace(string(text), "one", "two", 1), string(text[:len(text)-6])} {
		if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(folder, nil, slog.Default(), noon); err == nil || strings.Contains(err.Error(), string(text[60:80])) {
			t.Errorf("with the key %q: %v", broken, err)
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, nil, slog.Default(), noon); err == nil {
		t.Error("a key that others may read is accepted")
	}
}
