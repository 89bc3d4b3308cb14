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
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

func TestQuerySelects(t *testing.T) {
	line, err := full().Line()
	if err != nil {
		t.Fatal(err)
	}
	at := full().EventTime
	for name, test := range map[string]struct {
		q    Query
		want bool
	}{
		"everything":         {Query{}, true},
		"the ARN":            {Query{Principal: full().UserIdentity.ARN}, true},
		"the access key":     {Query{Principal: "ASIA1"}, true},
		"a part of the ARN":  {Query{Principal: "arn:aws:sts"}, false},
		"the key":            {Query{Key: "1"}, true},
		"the ARN of the key": {Query{Key: full().Resources[0].ARN}, true},
		"another key":        {Query{Key: "2"}, false},
		"the operation":      {Query{Operation: "Decrypt"}, true},
		"another operation":  {Query{Operation: "Encrypt"}, false},
		"failures":           {Query{Outcome: Failure}, true},
		"successes":          {Query{Outcome: Success}, false},
		"the error":          {Query{Outcome: "AccessDeniedException"}, true},
		"another error":      {Query{Outcome: "NotFoundException"}, false},
		"the request":        {Query{Request: "request-1"}, true},
		"another request":    {Query{Request: "request"}, false},
		"from then on":       {Query{From: at}, true},
		"after it":           {Query{From: at.Add(time.Millisecond)}, false},
		"until then":         {Query{To: at}, false},
		"before then":        {Query{To: at.Add(time.Millisecond)}, true},
		"all of it":          {Query{Key: "1", Operation: "Decrypt", Outcome: Failure, Request: "request-1"}, true},
	} {
		if e, got := test.q.Match(line); got != test.want || got && e.EventID != "event-1" {
			t.Errorf("%s: %v", name, got)
		}
	}
	if _, ok := (Query{}).Match([]byte("no event")); ok {
		t.Error("a line that is not an event was selected")
	}
}

// Events of several logs are merged by time, and an event that a dead node and its successor wrote comes once.
func TestMerge(t *testing.T) {
	begun := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var logs []*Folder
	for n := range 2 {
		path := filepath.Join(t.TempDir(), "audit.log")
		l := openProtected(t, path, small)
		for i := range 100 {
			e := Event{EventID: fmt.Sprintf("%d-%d", n, i), EventName: "Decrypt", EventTime: begun.Add(time.Duration(2*i+n) * time.Second)}
			if err := l.Write(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if n == 1 {
			for _, id := range []string{"0-7", "0-lost"} {
				line := mustLine(t, Event{EventID: id, EventName: "Decrypt", EventTime: begun.Add(14 * time.Second)})
				if err := l.Append(Recovered(line, "ONE"), nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		waitCompressed(t, path)
		closeLog(t, l)
		f, err := OpenFolder(path)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, f)
	}
	var ids []string
	err := Merge(t.Context(), logs, Query{Operation: "Decrypt", From: begun.Add(10 * time.Second)}, func(h Hit) error {
		ids = append(ids, h.Event.EventID)
		return nil
	})
	if err != nil || len(ids) != 191 || ids[0] != "0-5" || ids[1] != "1-5" || ids[2] != "0-6" {
		t.Errorf("%d events, %v: %v", len(ids), err, ids)
	}
	if slices.Index(ids, "0-lost") < 0 || strings.Count(strings.Join(ids, " ")+" ", "0-7 ") != 1 {
		t.Errorf("%v", ids)
	}
	stop := errors.New("stop")
	if err := Merge(t.Context(), logs, Query{}, func(Hit) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// A proof of each event of a checkpoint verifies, and an event after the checkpoint has none yet.
func TestProve(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, small)
	writeMany(t, l, 0, 300)
	waitCompressed(t, path)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	writeMany(t, l, 300, 1)
	defer closeLog(t, l)
	v, err := testKeys.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 17, 255, 256, 299} {
		line, text, err := l.Reader().Prove(t.Context(), fmt.Sprint("event-", i))
		if err != nil {
			t.Fatal(err)
		}
		proof, err := transparency.ParseProof(text)
		if err != nil || proof.Index != int64(i) || !bytes.Contains(line, []byte(`"eventID":"event-`)) {
			t.Fatalf("%v: %s", err, text)
		}
		if c, err := proof.Check(line, v); err != nil || c.Size != 300 {
			t.Errorf("event %d: %v, of %d lines", i, err, c.Size)
		}
		line[20] ^= 1
		if _, err := proof.Check(line, v); err == nil {
			t.Errorf("event %d: the proof verifies another line", i)
		}
	}
	if _, _, err := l.Reader().Prove(t.Context(), "event-300"); !errors.Is(err, ErrNotProvable) {
		t.Error(err)
	}
	if _, _, err := l.Reader().Prove(t.Context(), "event-x"); !errors.Is(err, ErrNoEvent) {
		t.Error(err)
	}
	if l.PublicKey() != testKeys.VerifierKey() || l.Origin() != testKeys.Origin {
		t.Errorf("%s, %s", l.PublicKey(), l.Origin())
	}
}

// Whole is the concatenation of all segments, wherever a reader begins.
func TestWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, small)
	writeMany(t, l, 0, 100)
	waitCompressed(t, path)
	end := l.Last()
	closeLog(t, l)
	if end.Event != "event-99" {
		t.Errorf("%+v", end)
	}
	w, err := OpenWhole(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	all := make([]byte, w.Size())
	if _, err := w.ReadAt(all, 0); err != nil || w.Size() != end.Bytes || bytes.Count(all, []byte("\n")) != 100 {
		t.Fatalf("%v, %d bytes, want %d", err, w.Size(), end.Bytes)
	}
	for _, at := range []int64{0, end.Bytes / 2, 1, end.Bytes - 10, 5} {
		part := make([]byte, 10)
		if _, err := w.ReadAt(part, at); err != nil || !bytes.Equal(part, all[at:at+10]) {
			t.Errorf("at %d: %q, %v", at, part, err)
		}
	}
	if err := CheckCopy(w.SectionReader, end); err != nil {
		t.Error(err)
	}
	end.Event = "event-98"
	if err := CheckCopy(w.SectionReader, end); !errors.Is(err, ErrNotWhole) {
		t.Error(err)
	}
	closed, err := filepath.Glob(filepath.Join(FolderOf(path), "*"+compressedSuffix))
	if err != nil || len(closed) < 2 {
		t.Fatal(closed, err)
	}
	for _, segment := range closed {
		if err := os.Remove(segment); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.ReadAt(all, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the segments: %d bytes, %v", n, err)
	}
}
