package redo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A plan has the changes after the Cut that take something away, in the order of their revisions, and nothing else.
func TestRead(t *testing.T) {
	w := newWorld(t)
	w.sole("A")
	refused := at(cutAt+3, "DisableKey", 3)
	refused.EventID, refused.ErrorCode = "refused", "AccessDenied"
	read := at(0, "DisableKey", 4)
	read.EventID = "without a revision"
	pending, void := at(cutAt+4, "RevokeGrant", 5), at(cutAt+5, "RevokeGrant", 5)
	pending.EventID, void.EventID = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	for _, e := range []audit.Event{pending, void} {
		line, err := e.Line()
		w.must(err)
		w.update(func(tx *store.Tx) error {
			return records.Outbox.Insert(tx, records.OutboxPath("A", e.EventID),
				records.PendingEvent{Line: line, Void: e.EventID == void.EventID})
		})
	}
	w.log("A", before(), at(cutAt-1, "DisableKey", -1), at(cutAt, "DeleteAlias", 0), at(cutAt+7, "PutKeyPolicy", 9),
		at(cutAt+1, "DisableKey", 1), at(cutAt+1, "DisableKey", 1), at(cutAt+2, "CreateKey", 2), refused, read, pending, void,
		at(cutAt+6, "DeleteImportedKeyMaterial", 8))
	plan := w.wantPlan("DisableKey-101 "+void.EventID+" DeleteImportedKeyMaterial-106 PutKeyPolicy-107", "", "")
	if plan.Later != 6 || !plan.Last.Equal(cutTime.Add(9*time.Second)) {
		t.Errorf("%d later, last %v", plan.Later, plan.Last)
	}
}

// Changes of several nodes are made again in one order, and an event that two logs have is one.
func TestReadLogsOfSeveralNodes(t *testing.T) {
	w := newWorld(t)
	w.share("A", "CreateKey-50")
	w.share("B", "CreateKey-50")
	w.share("C", "CreateKey-50")
	w.log("A", before(), at(101, "DisableKey", 1), at(104, "DisableKey", 4), at(106, "DisableKey", 1))
	w.log("B", before(), at(105, "EnableKey", 3), at(102, "EnableKey", 2))
	taken := at(105, "EnableKey", 3)
	w.log("C", before(), at(103, "RevokeGrant", 3), taken)
	w.wantPlan("DisableKey-101 EnableKey-102 RevokeGrant-103 DisableKey-104 EnableKey-105 DisableKey-106", "", "")
	w.logs = w.logs[:2]
	w.wantPlan("DisableKey-101 EnableKey-102 DisableKey-104 EnableKey-105 DisableKey-106", "C", "")
	w.logs = nil
	w.wantPlan("", "A B C", "")
}

// A node that never ran, which has the event of a copy or a restore, has no log.
func TestReadNodeOfACopy(t *testing.T) {
	w := newWorld(t)
	w.share("A", "CreateKey-50")
	w.log("A", before(), at(101, "DisableKey", 1))
	put := func(name string, n records.Node) {
		w.update(func(tx *store.Tx) error { return records.Nodes.Put(tx, name, n) })
	}
	put("copy-B", records.Node{Stopped: true, Removal: &records.Removal{}})
	w.wantPlan("DisableKey-101", "", "")
	put("copy-B", records.Node{Stopped: true, Removal: &records.Removal{}, LogBytes: 1})
	put("C", records.Node{Stopped: true})
	w.wantPlan("DisableKey-101", "C copy-B", "")
}

// The newest log of each node at the Cut is needed, and later ones are read too.
func TestReadNewestLogs(t *testing.T) {
	w := newWorld(t)
	w.sole("A")
	w.know("A", 1, w.keysOf(deployment, "A"))
	second := w.keysOf(deployment, "A.2")
	w.know("A", 2, second)
	w.wantPlan("", "A.2", "")
	w.logs = []Log{{"A.2", w.write(second, before(), after(), at(101, "DisableKey", 1))}}
	w.wantPlan("DisableKey-101", "", "")
	w.logs = append(w.logs, Log{"A.3", w.write(w.keysOf(deployment, "A.3"), at(102, "EnableKey", 2))})
	w.wantPlan("DisableKey-101 EnableKey-102", "", "A.3")
}

// A log that ends before the Cut does not show what came after.
func TestReadLogThatEndsBeforeTheCut(t *testing.T) {
	for name, test := range map[string]struct {
		events  []audit.Event
		offline bool
		told    string // the last event that the node has told; "-" if the store is not shared
		missing string
	}{
		"it ends before":              {events: []audit.Event{before(), at(cutAt-1, "CreateKey", -1)}, told: "-", missing: "A"},
		"without an event":            {told: "-", missing: "A"},
		"it has the revision":         {events: []audit.Event{at(cutAt, "CreateKey", -1)}, told: "-"},
		"it has the time":             {events: []audit.Event{at(0, "Decrypt", 0)}, told: "-"},
		"it ends before, offline":     {events: []audit.Event{before()}, offline: true, told: "-"},
		"shared, before the told":     {events: []audit.Event{before()}, told: "Decrypt-60", missing: "A"},
		"shared, without the told":    {events: []audit.Event{before(), after()}, told: "Decrypt-60", missing: "A"},
		"shared, up to the told":      {events: []audit.Event{before(), at(60, "Decrypt", -9)}, told: "Decrypt-60"},
		"shared, nothing was told":    {events: []audit.Event{before()}},
		"shared, the told is offline": {events: []audit.Event{before()}, told: "Decrypt-60", offline: true, missing: "A"},
	} {
		w := newWorld(t)
		w.cut.Offline = test.offline
		if test.told == "-" {
			w.sole("A")
		} else {
			w.share("A", test.told)
		}
		w.log("A", test.events...)
		t.Log(name)
		w.wantPlan("", test.missing, "")
	}
}

// A log whose lines after the Cut were deleted because of their age does not show the deletions and revocations in
// them.
func TestReadLogWithDeletedLines(t *testing.T) {
	for name, test := range map[string]struct {
		cut     time.Duration // after the begin of the log, whose lines of the first minute are deleted
		missing string
	}{
		"the deleted lines are older": {time.Hour, ""},
		"no line is as old":           {0, "A"},
		"one line may be younger":     {10*time.Minute + 30*time.Second, "A"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sole("A")
				w.cut.Time = time.Now().Add(test.cut)
				k := w.keysOf(deployment, "A")
				w.know("A", 1, k)
				path := filepath.Join(t.TempDir(), "audit.log")
				l, err := audit.Open(path, audit.Options{SegmentBytes: 10 << 10})
				w.must(err)
				w.must(l.Protect(t.Context(), audit.Protection{Keys: k, Log: slog.New(slog.DiscardHandler), Keep: 24 * time.Hour,
					Deletion: func(d audit.Deleted) audit.Event {
						details, err := json.Marshal(d)
						w.must(err)
						return audit.Event{EventName: audit.DeleteSegments, EventType: audit.ServiceEvent, EventTime: time.Now(),
							ServiceEventDetails: details, EventID: "deletion"}
					}}))
				for i, after := range []time.Duration{0, 10 * time.Minute, 25 * time.Hour} {
					time.Sleep(after)
					for n := range 40 {
						w.must(l.Write(t.Context(), audit.Event{EventID: fmt.Sprintf("%d-%d", i, n), EventTime: time.Now(),
							StoreRevision: cutAt + 1}))
					}
				}
				w.must(l.Close())
				w.logs = []Log{{"A", path}}
				w.wantPlan("", test.missing, "")
			})
		})
	}
}

// The first event of the node itself shows where a log begins: an event that was written in place of another node is
// older than its line.
func TestSpanBeginsWithAnOwnEvent(t *testing.T) {
	old, late := at(0, "Decrypt", -3600), at(0, "Decrypt", 5)
	taken := audit.Hit{Event: old, Line: []byte(`{"eventID":"a","recoveredFrom":"B"}`)}
	for _, test := range []struct {
		hits []audit.Hit
		want bool
	}{
		{[]audit.Hit{{Event: old}, {Event: late}}, true}, {[]audit.Hit{taken, {Event: late}}, false}, {[]audit.Hit{taken, {Event: old}, {Event: late}}, true},
		{[]audit.Hit{{Event: late}, {Event: old}}, false},
	} {
		s := span{Cut: Cut{Revision: cutAt, Time: cutTime}}
		for _, hit := range test.hits {
			s.add(hit)
		}
		if s.isWhole() != test.want {
			t.Errorf("%v: %v", test.hits, !test.want)
		}
	}
}

// A log that is not the one of its node, or that somebody has changed, has a finding.
func TestReadRefusesOtherLogs(t *testing.T) {
	events := []audit.Event{before(), after(), at(101, "DisableKey", 1), at(102, "DisableKey", 2)}
	for name, test := range map[string]struct {
		change func(w *world, log *Log)
		want   string
	}{
		"another deployment": {func(w *world, log *Log) {
			log.Path = w.write(w.keysOf("EEEEFFFFGGGGHHHH", "A"), events...)
		}, "A: checkpoint: "},
		"another deployment, whose nodes the backup does not know": {func(w *world, log *Log) {
			*log = Log{"B", w.write(w.keysOf("EEEEFFFFGGGGHHHH", "B"), events...)}
		}, "B: checkpoint: it is a checkpoint of the log keyhold/EEEEFFFFGGGGHHHH/B, not of keyhold/AAAABBBBCCCCDDDD/B"},
		"another node that the backup does not know": {func(w *world, log *Log) {
			*log = Log{"B", w.write(w.keysOf(deployment, "C"), events...)}
		}, "B: checkpoint: it is a checkpoint of the log keyhold/AAAABBBBCCCCDDDD/C, not of keyhold/AAAABBBBCCCCDDDD/B"},
		"an unknown log without checkpoints": {func(w *world, log *Log) {
			*log = Log{"B", w.copyFile(log.Path)}
		}, "the log has no checkpoint"},
		"lines without the chain": {func(w *world, log *Log) {
			log.Path = w.copyFile(log.Path)
			w.edit(log.Path, withoutChain)
		}, "the log has no checkpoint"},
		"without checkpoints": {func(w *world, log *Log) { log.Path = w.copyFile(log.Path) }, "the log has no checkpoint"},
		"a changed line": {func(w *world, log *Log) {
			w.edit(log.Path, func(text []byte) []byte {
				return bytes.Replace(text, []byte(`"eventName":"DisableKey"`), []byte(`"eventName":"DecryptKey"`), 1)
			})
		}, "audit.log, line 3: the value of the chain is wrong"},
		"a line less": {func(w *world, log *Log) {
			w.edit(log.Path, func(text []byte) []byte {
				lines := bytes.SplitAfter(text, []byte("\n"))
				return bytes.Join(append(lines[:2:2], lines[3:]...), nil)
			})
		}, "audit.log, line 3: the value of the chain is wrong"},
		"no lines at its end": {func(w *world, log *Log) {
			w.edit(log.Path, func(text []byte) []byte { return bytes.Join(bytes.SplitAfter(text, []byte("\n"))[:3], nil) })
		}, "fewer lines"},
		"a line that is not an event": {func(w *world, log *Log) {
			w.edit(log.Path, func(text []byte) []byte { return append(text, "garbage\n"...) })
		}, "audit.log, line 5: "},
		"no file": {func(w *world, log *Log) { w.must(os.Remove(log.Path)) }, "audit.log: file does not exist"},
	} {
		w := newWorld(t)
		w.sole("A")
		w.log("A", events...)
		w.wantPlan("DisableKey-101 DisableKey-102", "", "")
		test.change(w, &w.logs[0])
		t.Log(name)
		w.wantFinding(test.want)
	}
}

// withoutChain removes the value of the chain from each line, as from lines of an old version.
func withoutChain(text []byte) []byte {
	var lines []string
	for line := range strings.Lines(string(text)) {
		head, _, _ := strings.Cut(line, `,"chain":"`)
		lines = append(lines, head+"}\n")
	}
	return []byte(strings.Join(lines, ""))
}

// A log that had no checkpoint at the Cut needs none, because it is of an old version.
func TestReadOldLog(t *testing.T) {
	w := newWorld(t)
	w.sole("A")
	path := w.log("A", before(), after(), at(101, "DisableKey", 1))
	w.logs[0].Path = w.copyFile(path)
	w.edit(w.logs[0].Path, withoutChain)
	w.wantFinding("the log has no checkpoint")
	w.update(func(tx *store.Tx) error {
		l, _, err := records.AuditLogs.Get(tx, records.AuditLogPath("A", 1))
		if err != nil {
			return err
		}
		l.Begun = false
		return records.AuditLogs.Put(tx, records.AuditLogPath("A", 1), l)
	})
	w.wantPlan("DisableKey-101", "", "")
}

// A failingBackend fails one read.
type failingBackend struct {
	store.Backend
	left int // reads before the one that fails
}

func (b *failingBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(failingReader{r, b}) })
}

func (b *failingBackend) next() error {
	if b.left--; b.left < 0 {
		return errRead
	}
	return nil
}

type failingReader struct {
	store.Reader
	*failingBackend
}

func (r failingReader) Get(keys ...[]byte) ([]store.Item, error) {
	if err := r.next(); err != nil {
		return nil, err
	}
	return r.Reader.Get(keys...)
}

func (r failingReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if err := r.next(); err != nil {
		return nil, err
	}
	return r.Reader.Scan(from, to, limit)
}

// An error of the store at any read is returned, and never taken for a log that shows nothing.
func TestReadFails(t *testing.T) {
	for _, shared := range []bool{false, true} {
		w := newWorld(t)
		w.sole("A")
		if shared {
			w.share("A", "CreateKey-50")
		}
		w.log("A", before(), after(), at(101, "DisableKey", 1))
		w.logs = append(w.logs, Log{"B", w.write(w.keysOf(deployment, "B"), at(102, "DisableKey", 1))})
		failed := 0
		for ; ; failed++ {
			b := &failingBackend{w.backend, failed}
			err := store.New(b, w.sealer).View(t.Context(), func(v *store.View) error {
				_, err := Read(t.Context(), v, w.cut, w.logs, func(f Finding) { t.Error(f) })
				return err
			})
			if err == nil {
				break
			}
		}
		if failed < 5 {
			t.Errorf("shared %v: only %d reads", shared, failed)
		}
	}
}
