package audit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/transparency"
)

// found returns the numbers of the events that a query selects.
func found(t *testing.T, f *Folder, q Query, from int64) (all []int) {
	t.Helper()
	for hit, err := range f.Search(t.Context(), q, from) {
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimPrefix(hit.Event.EventID, "event-"))
		if err != nil || hit.Index != int64(n) || !strings.Contains(string(hit.Line), `"event-`+strconv.Itoa(n)+`"`) {
			t.Errorf("%+v, %v", hit, err)
		}
		all = append(all, n)
	}
	return all
}

func numbers(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

// A query by time gets each event of this time, and reads only segments that can have such events.
func TestSearchByTime(t *testing.T) {
	texts := []string{eventsFrom(t, 0, 60), eventsFrom(t, 60, 60), eventsFrom(t, 120, 60), eventsFrom(t, 180, 5)}
	at := func(minute int) time.Time { return testDay.Add(time.Duration(minute) * time.Minute) }
	for _, test := range []struct {
		q      Query
		from   int64
		want   []int
		unread [3]bool // closed segments that are damaged
	}{
		{Query{}, 0, numbers(0, 185), [3]bool{false, false, false}},
		{Query{}, 59, numbers(59, 185), [3]bool{false, false, false}},
		{Query{}, 60, numbers(60, 185), [3]bool{true, false, false}},
		{Query{}, 185, nil, [3]bool{true, true, true}},
		{Query{From: at(60)}, 0, numbers(60, 185), [3]bool{false, false, false}}, // events can have the second of the closing
		{Query{From: at(60).Add(time.Second)}, 0, numbers(61, 185), [3]bool{false, false, false}},
		{Query{From: at(60).Add(2 * time.Second)}, 0, numbers(61, 185), [3]bool{true, false, false}},
		{Query{From: at(182)}, 0, numbers(182, 185), [3]bool{true, true, true}},
		{Query{To: at(3)}, 0, numbers(0, 3), [3]bool{false, false, false}},
		{Query{From: at(30), To: at(130)}, 40, numbers(40, 130), [3]bool{false, false, false}},
	} {
		path, segments := logOf(t, texts[3], texts[:3]...)
		for i, s := range segments {
			if test.unread[i] {
				if err := os.WriteFile(filepath.Join(FolderOf(path), s.FileName()), []byte("garbage"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := found(t, &Folder{path: path}, test.q, test.from); !slices.Equal(got, test.want) {
			t.Errorf("%+v from %d: %d, want %d", test.q, test.from, got, test.want)
		}
	}
}

// A query until a time reads no segment that was begun more than a day later: an event of a dead node may be that late.
func TestSearchOfLateEvents(t *testing.T) {
	texts := []string{eventsFrom(t, 0, 60), eventsFrom(t, 60, 60), eventsFrom(t, 120, 60)}
	for name, test := range map[string]struct {
		to   time.Time // the segments are closed at 13:00 and 14:00
		read int
	}{
		"a day before the first was closed":            {testDay.Add(time.Hour - lateness), 2},
		"more than a day before the first was closed":  {testDay.Add(time.Hour - lateness - time.Second), 1},
		"a day before the second was closed":           {testDay.Add(2*time.Hour - lateness), 3},
		"more than a day before the second was closed": {testDay.Add(2*time.Hour - lateness - time.Second), 2},
	} {
		path, _ := logOf(t, texts[2], texts[:2]...)
		lines := 0
		for _, err := range (&Folder{path: path}).Between(t.Context(), time.Time{}, test.to, 0) {
			if lines++; err != nil {
				t.Fatal(err)
			}
		}
		if lines != 60*test.read {
			t.Errorf("%s: %d lines were read, want %d", name, lines, 60*test.read)
		}
	}
}

// A reader that has enough gets no more, from a closed segment and from the file that grows.
func TestSearchStops(t *testing.T) {
	path, _ := logOf(t, eventsFrom(t, 5, 5), eventsFrom(t, 0, 5))
	for _, from := range []int64{0, 5} {
		n := 0
		for hit, err := range (&Folder{path: path}).Search(t.Context(), Query{}, from) {
			if n++; err != nil || hit.Index != from {
				t.Errorf("%+v, %v", hit, err)
			}
			break
		}
		if n != 1 {
			t.Errorf("%d hits", n)
		}
	}
	if open := openFiles(t, filepath.Dir(path)); len(open) > 0 {
		t.Errorf("%q are open", open)
	}
}

// IndexOf finds the event with an ID, and not a line that has the text of the ID elsewhere.
func TestIndexOf(t *testing.T) {
	liar := event("liar")
	liar.RequestParameters = []byte(`{"eventID":"event-7"}`)
	path, _ := logOf(t, string(mustLine(t, liar))+eventsFrom(t, 6, 3), eventsFrom(t, 0, 5))
	f := &Folder{path: path}
	for id, want := range map[string]int64{"event-0": 0, "event-4": 4, "liar": 5, "event-7": 7, "event-8": 8, "event-5": -1, "": -1} {
		line, ok, err := f.IndexOf(t.Context(), id)
		if err != nil || ok != (want >= 0) || ok && line.Index != want {
			t.Errorf("%q: %d, %v, %v", id, line.Index, ok, err)
		}
		if got, err := ID(line.Line); ok && (err != nil || got != id) || !ok && line.Line != nil {
			t.Errorf("%q: %q, %v", id, line.Line, err)
		}
	}
}

// Merge fails if a log cannot be read, at whichever event.
func TestMergeFails(t *testing.T) {
	sound, _ := logOf(t, eventsFrom(t, 0, 5))
	for n := range 4 {
		path, s := logOf(t, eventsFrom(t, n, 2), eventsFrom(t, 0, n))
		if n > 0 {
			s[0].End++ // the segment has one line less than its name says
		}
		if err := os.Rename(filepath.Join(FolderOf(path), Segment{End: int64(n), EndByte: s[0].EndByte, Closed: s[0].Closed}.FileName()), filepath.Join(FolderOf(path), s[0].FileName())); err != nil {
			t.Fatal(err)
		}
		for _, logs := range [][]*Folder{{{path: path}}, {{path: sound}, {path: path}}, {{path: path}, {path: sound}}} {
			events := 0
			err := Merge(t.Context(), logs, Query{}, func(Hit) error { events++; return nil })
			if errors.Is(err, errSegment) != (n > 0) || n > 0 && len(logs) == 1 && events != n-1 && events != n {
				t.Errorf("%d logs, a segment of %d lines: %d events, %v", len(logs), n, events, err)
			}
		}
	}
}

// An event of a dead node comes once, whichever log has it, and the other events in order.
func TestMergeOfRecoveredEvents(t *testing.T) {
	recovered := func(n int) string { return string(Recovered([]byte(eventsFrom(t, n, 1)), "ONE")) }
	for what, test := range map[string]struct {
		logs []string
		want []string
	}{
		"one log":                      {[]string{eventsFrom(t, 0, 2) + recovered(1)}, []string{"event-0", "event-1", "event-1"}},
		"both logs":                    {[]string{eventsFrom(t, 0, 3), recovered(1)}, []string{"event-0", "event-1", "event-2"}},
		"the log of the successor":     {[]string{eventsFrom(t, 0, 1), recovered(1) + eventsFrom(t, 2, 1)}, []string{"event-0", "event-1", "event-2"}},
		"three logs":                   {[]string{recovered(1), eventsFrom(t, 1, 1), recovered(1)}, []string{"event-1"}},
		"the same ID without recovery": {[]string{eventsFrom(t, 1, 1), eventsFrom(t, 1, 1)}, []string{"event-1", "event-1"}},
	} {
		var logs []*Folder
		for _, text := range test.logs {
			path, _ := logOf(t, text)
			logs = append(logs, &Folder{path: path})
		}
		var got []string
		if err := Merge(t.Context(), logs, Query{}, func(h Hit) error { got = append(got, h.Event.EventID); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}

// Prove fails without a checkpoint, with one that cannot be read, and without hashes.
func TestProveFails(t *testing.T) {
	path := protectedLog(t, 300)
	for what, test := range map[string]struct {
		edit func(folder string) error
		want string
	}{
		"no checkpoint": {func(folder string) error { return os.Remove(filepath.Join(folder, checkpointName)) }, "no such file"},
		"another checkpoint": {func(folder string) error {
			return os.WriteFile(filepath.Join(folder, checkpointName), []byte("x"), 0o600)
		}, ""},
		"no hashes": {func(folder string) error { return os.RemoveAll(filepath.Join(folder, "tile")) }, "the hashes of the log: "},
		"another line": {func(folder string) error {
			return replaceIn(`"eventID":"event-30"`, `"eventID":"event-3x"`)(folder + ".log")
		}, ErrNoEvent.Error()},
	} {
		at := copyLog(t, path)
		if err := test.edit(FolderOf(at)); err != nil {
			t.Fatal(err)
		}
		line, proof, err := (&Folder{path: at}).Prove(t.Context(), "event-30")
		if line != nil || proof != "" || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %q, %q, %v", what, line, proof, err)
		}
	}
	l := openProtected(t, path, Options{})
	defer closeLog(t, l)
	f, ok := l.Folder()
	if !ok || f.Size() != 300 {
		t.Fatalf("%d lines", f.Size())
	}
	_, text, err := f.Prove(t.Context(), "event-299")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := transparency.ParseProof(text); err != nil || p.Index != 299 {
		t.Errorf("%+v, %v", p, err)
	}
}

// A reader of a growing log goes on where it was, and elsewhere begins at the file.
func TestSeen(t *testing.T) {
	text := "0123456789"
	for _, test := range []struct {
		s                   *seen
		from, first, offset int64
		index, at           int64
		rest                string
	}{
		{nil, 5, 3, 100, 3, 100, text},
		{&seen{}, 5, 3, 100, 3, 100, text},
		{&seen{index: 5, offset: 104}, 5, 3, 100, 5, 104, "456789"},
		{&seen{index: 5, offset: 104}, 9, 3, 100, 5, 104, "456789"},
		{&seen{index: 5, offset: 104}, 4, 3, 100, 3, 100, text}, // an earlier line
		{&seen{index: 5, offset: 104}, 9, 6, 120, 6, 120, text}, // another file
		{&seen{index: 5, offset: 104}, 9, 5, 104, 5, 104, text}, // the first line of the file
		{&seen{index: 5, offset: 110}, 9, 3, 100, 5, 110, ""},   // the end of the file
		{&seen{index: 5, offset: 111}, 9, 3, 100, 3, 100, text}, // behind its end
		{&seen{index: 3, offset: 101}, 3, 3, 100, 3, 101, "123456789"},
	} {
		index, at, r := test.s.from(test.from, test.first, test.offset, sections([]byte(text)))
		rest := make([]byte, r.Size())
		if _, err := r.ReadAt(rest, 0); err != nil && len(rest) > 0 {
			t.Error(err)
		}
		if index != test.index || at != test.at || string(rest) != test.rest {
			t.Errorf("%+v: %d, %d, %q", test, index, at, rest)
		}
	}
}
