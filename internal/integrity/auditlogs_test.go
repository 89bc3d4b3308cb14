package integrity

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/transparency"
)

// A logsTest is a store that lists audit logs, and their files.
type logsTest struct {
	*testing.T
	backend store.Backend
	sealer  seal.Sealer
	files   map[string]string // by the name of the log
}

func newLogsTest(t *testing.T) *logsTest {
	t.Helper()
	w := newDamageTest(t)
	return &logsTest{T: t, backend: memory.New(), sealer: w.keyring.Records(), files: map[string]string{}}
}

func (w *logsTest) update(fn func(tx *store.Tx) error) {
	w.Helper()
	if err := store.New(w.backend, w.sealer).Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// list lists log number n of a node with keys made of a number.
func (w *logsTest) list(node string, n int, begun bool) records.AuditLog {
	w.Helper()
	k := audit.Keys{Origin: transparency.Origin("ABCDEFGHIJKLMNOP", records.LogName(node, n))}
	k.Seed = binary.BigEndian.AppendUint64(make([]byte, 24), uint64(n))
	k.Chain = binary.BigEndian.AppendUint64(make([]byte, 24), uint64(n+1))
	log := records.AuditLog{Origin: k.Origin, Public: k.VerifierKey(), Seed: k.Seed, Chain: k.Chain, Begun: begun}
	w.update(func(tx *store.Tx) error { return records.AuditLogs.Put(tx, records.AuditLogPath(node, n), log) })
	return log
}

// write writes a log with some events, protected by the keys of a record.
func (w *logsTest) write(name string, of records.AuditLog, events int) string {
	w.Helper()
	path := filepath.Join(w.TempDir(), "audit.log")
	l, err := audit.Open(path, audit.Options{})
	if err != nil {
		w.Fatal(err)
	}
	keys := audit.Keys{Origin: of.Origin, Seed: of.Seed, Chain: of.Chain}
	if err := l.Protect(w.Context(), audit.Protection{Keys: keys, Log: slog.New(slog.DiscardHandler)}); err != nil {
		w.Fatal(err)
	}
	for i := range events {
		if err := l.Write(w.Context(), audit.Event{EventID: fmt.Sprint(name, "-", i), StoreRevision: int64(i)}); err != nil {
			w.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		w.Fatal(err)
	}
	w.files[name] = path
	return path
}

func (w *logsTest) view(backend store.Backend, fn func(view *store.View) error) error {
	return store.New(backend, w.sealer).View(w.Context(), fn)
}

// verify verifies the log of a node.
func (w *logsTest) verify(backend store.Backend, node, path string) (v audit.Verification, findings []string, err error) {
	err = w.view(backend, func(view *store.View) (err error) {
		v, err = VerifyLog(w.Context(), view, node, path, func(f audit.Finding) { findings = append(findings, f.String()) })
		return err
	})
	return v, findings, err
}

// verifyAll verifies all logs.
func (w *logsTest) verifyAll(ctx context.Context, backend store.Backend) (all []LogReport, findings []string, err error) {
	err = w.view(backend, func(view *store.View) (err error) {
		all, err = VerifyLogs(ctx, view, w.files, func(origin string, f audit.Finding) { findings = append(findings, origin+": "+f.String()) })
		return err
	})
	return all, findings, err
}

// VerifyLog verifies the newest log of a node with the keys of this log.
func TestVerifyLog(t *testing.T) {
	w := newLogsTest(t)
	w.list("ONE", 1, true)
	path := w.write("ONE.2", w.list("ONE", 2, true), 3)
	other := w.write("TWO", w.list("TWO", 1, true), 3)
	empty := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what, node, path string
		chained          int64
		finding          string // a part of the first finding; "" if there is none
	}{
		{"its log", "ONE", path, 3, ""},
		{"the log of another node", "ONE", other, 3, "checkpoint: "},
		{"a log that lost its checkpoint", "ONE", empty, 0, "no checkpoint"},
		{"a log of a node that has no keys", "THREE", empty, 0, ""},
		{"a log without a node", "", empty, 0, ""},
		{"a protected log without a node", "", path, 0, "no key of this log is known"},
	} {
		v, findings, err := w.verify(w.backend, test.node, test.path)
		if err != nil || v.Chained != test.chained || (test.finding == "") != (len(findings) == 0) || test.finding != "" && !strings.Contains(findings[0], test.finding) {
			t.Errorf("%s: %q, %+v, %v", test.what, findings, v, err)
		}
	}
	w.update(func(tx *store.Tx) error {
		return records.SoleNodes.Put(tx, records.SoleNodePath, records.SoleNode{ID: "ONE"})
	})
	if v, findings, err := w.verify(w.backend, "", path); err != nil || len(findings) > 0 || v.Chained != 3 || v.Checkpoint.Size != 3 {
		t.Errorf("the only node: %q, %+v, %v", findings, v, err)
	}
}

// A log that never had a checkpoint may lack one.
func TestVerifyLogBeforeItsFirstCheckpoint(t *testing.T) {
	w := newLogsTest(t)
	path := filepath.Join(t.TempDir(), "audit.log")
	line, err := audit.Event{EventID: "a"}.Line()
	if err = errors.Join(err, os.WriteFile(path, line, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, begun := range []bool{false, true} {
		w.list("ONE", 1, begun)
		if _, findings, err := w.verify(w.backend, "ONE", path); err != nil || (len(findings) > 0) != begun {
			t.Errorf("begun %v: %q, %v", begun, findings, err)
		}
		w.files["ONE"] = path
		if _, findings, err := w.verifyAll(t.Context(), w.backend); err != nil || (len(findings) > 0) != begun {
			t.Errorf("all logs, begun %v: %q, %v", begun, findings, err)
		}
	}
}

// VerifyLogs verifies each log that the store lists, over all pages, and reports logs that are missing.
func TestVerifyLogs(t *testing.T) {
	w := newLogsTest(t)
	const logs = 205
	for n := 1; n <= logs; n++ {
		w.list("ONE", n, n == 7 || n == 8)
	}
	seventh := w.write("ONE.7", w.list("ONE", 7, true), 2)
	first := w.write("ONE", w.list("ONE", 1, false), 1)
	w.write("TWO", w.list("TWO", 1, true), 4)
	all, findings, err := w.verifyAll(t.Context(), w.backend)
	if err != nil || len(all) != logs+1 {
		t.Fatalf("%d logs, %v", len(all), err)
	}
	want := transparency.Origin("ABCDEFGHIJKLMNOP", "ONE.8") + ": the log is missing: name its file with --log ONE.8=FILE"
	if !slices.Equal(findings, []string{want}) {
		t.Errorf("findings %q, want %q", findings, want)
	}
	for i, want := range map[int]struct {
		path     string
		events   int64
		findings int
	}{0: {first, 1, 0}, 1: {"", 0, 0}, 6: {seventh, 2, 0}, 7: {"", 0, 1}, logs: {w.files["TWO"], 4, 0}} {
		got := all[i]
		if got.Path != want.path || got.Events != want.events || got.Findings != want.findings || got.Origin == "" || got.Public == "" || got.Chained != want.events {
			t.Errorf("log %d: %+v", i, got)
		}
	}
}

// VerifyLogs reports the findings of a log with the origin of the log.
func TestVerifyLogsNamesTheLog(t *testing.T) {
	w := newLogsTest(t)
	log := w.list("ONE", 1, true)
	if err := os.Truncate(w.write("ONE", log, 3), 0); err != nil {
		t.Fatal(err)
	}
	all, findings, err := w.verifyAll(t.Context(), w.backend)
	if err != nil || len(all) != 1 || len(findings) != all[0].Findings || len(findings) == 0 || !strings.HasPrefix(findings[0], log.Origin+": ") {
		t.Errorf("%q, %+v, %v", findings, all, err)
	}
}

// Verification fails if a read of the store fails, if a record cannot be read, and if it is told to stop.
func TestVerifyLogsFails(t *testing.T) {
	w := newLogsTest(t)
	path := w.write("ONE", w.list("ONE", 1, true), 2000)
	w.update(func(tx *store.Tx) error {
		return records.SoleNodes.Put(tx, records.SoleNodePath, records.SoleNode{ID: "ONE"})
	})
	calls := map[string]func(b store.Backend) error{
		"VerifyLog":  func(b store.Backend) error { _, _, err := w.verify(b, "", path); return err },
		"VerifyLogs": func(b store.Backend) error { _, _, err := w.verifyAll(t.Context(), b); return err },
		"LogOf": func(b store.Backend) error {
			return w.view(b, func(v *store.View) error { _, err := LogOf(v, ""); return err })
		},
	}
	for what, call := range calls {
		sound := &unreadableBackend{Backend: w.backend}
		if err := call(sound); err != nil || sound.reads < 2 {
			t.Errorf("%s: %v after %d reads", what, err, sound.reads)
		}
		for at := 1; at <= sound.reads; at++ {
			if err := call(&unreadableBackend{Backend: w.backend, at: at}); !errors.Is(err, errUnreadable) {
				t.Errorf("%s, read %d fails: %v", what, at, err)
			}
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if all, _, err := w.verifyAll(stopped, w.backend); !errors.Is(err, context.Canceled) || len(all) > 0 {
		t.Errorf("stopped: %d logs, %v", len(all), err)
	}
	w.update(func(tx *store.Tx) error {
		return records.AuditLogs.Put(tx, records.AuditLogPath("ONE", 2), records.AuditLog{Public: "x", Begun: true})
	})
	w.files["ONE.2"] = path
	for _, what := range []string{"VerifyLog", "VerifyLogs"} {
		if err := calls[what](w.backend); err == nil {
			t.Errorf("%s accepts a damaged public key", what)
		}
	}
	w.update(func(tx *store.Tx) error { return records.AuditLogs.Put(tx, "ONE/x", records.AuditLog{}) })
	for _, what := range []string{"VerifyLog", "LogOf"} {
		if err := calls[what](w.backend); err == nil {
			t.Errorf("%s accepts a log without a number", what)
		}
	}
}

// LogOf returns the name of the newest log, also of a node that has none yet.
func TestLogOf(t *testing.T) {
	w := newLogsTest(t)
	w.list("ONE", 1, true)
	w.list("TWO", 1, true)
	w.list("TWO", 2, false)
	w.update(func(tx *store.Tx) error {
		return records.SoleNodes.Put(tx, records.SoleNodePath, records.SoleNode{ID: "TWO"})
	})
	for node, want := range map[string]string{"ONE": "ONE", "TWO": "TWO.2", "": "TWO.2", "THREE": "THREE"} {
		err := w.view(w.backend, func(v *store.View) error {
			if name, err := LogOf(v, node); err != nil || name != want {
				t.Errorf("%q: %q, %v", node, name, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Verify reads the log in its folder, with the tiles that it needs.
func TestVerifyReadsTheFolderOfALog(t *testing.T) {
	w := newDamageTest(t)
	verify := func() (findings []string, s Summary) {
		t.Helper()
		r := Remains{Backend: w.backend, Slots: w.slots, Root: w.root, LogPath: w.log()}
		s, err := Verify(t.Context(), r, func(f Finding) { findings = append(findings, f.String()) })
		w.must(err)
		return findings, s
	}
	if findings, s := verify(); len(findings) > 0 || len(s.Notes) > 0 || s.Events != 1 {
		t.Errorf("%q, %+v", findings, s)
	}
	w.protected(func(l *audit.Log) {
		for i := range 600 {
			w.must(l.Write(t.Context(), audit.Event{EventID: fmt.Sprint(i)}))
		}
	})
	w.appendToLog("{")
	tile := filepath.Join(w.dir, "audit", "tile", "0", "001")
	w.must(os.Remove(tile))
	want := []string{"1 tiles of the audit log are missing", "1 bytes at the end of the audit log were torn: the next start removes them"}
	if findings, s := verify(); len(findings) > 0 || s.Events != 601 || !slices.Equal(s.Notes, want) {
		t.Errorf("%q, %+v, want the notes %q", findings, s, want)
	}
	w.appendToLog("}\n" + string(audit.Stamp([]byte(`{"eventID":"x"}`+"\n"), 1000)))
	findings, _ := verify()
	if len(findings) < 2 || !strings.HasPrefix(findings[0], "audit log: audit.log, line 602: ") || !strings.Contains(strings.Join(findings, "\n"), "the store is older than its audit log") {
		t.Errorf("%q", findings)
	}
	w.must(os.WriteFile(filepath.Join(w.dir, "audit", "deleted"), []byte("x"), 0o600))
	r := Remains{Backend: w.backend, Slots: w.slots, Root: w.root, LogPath: w.log()}
	if _, err := Verify(t.Context(), r, func(Finding) {}); err == nil || !strings.HasPrefix(err.Error(), "read the audit log: ") {
		t.Errorf("a damaged folder: %v", err)
	}
}

// listed returns the path and the record of the log.
func (w *damageTest) listed() (path string, log records.AuditLog) {
	w.Helper()
	w.must(store.New(w.backend, w.keyring.Records()).View(w.Context(), func(v *store.View) error {
		all, err := records.AuditLogs.Scan(v, "", "", 1)
		path, log = all[0].Path, all[0].Value
		return err
	}))
	return path, log
}

// protected opens the log with the keys in the store.
func (w *damageTest) protected(fn func(l *audit.Log)) {
	w.Helper()
	_, of := w.listed()
	l, err := audit.Open(w.log(), audit.Options{})
	w.must(err)
	keys := audit.Keys{Origin: of.Origin, Seed: of.Seed, Chain: of.Chain}
	w.must(l.Protect(w.Context(), audit.Protection{Keys: keys, Log: slog.New(slog.DiscardHandler)}))
	fn(l)
	w.must(l.Close())
}

// Verify finds keys of an audit log that do not fit one another, the path, or the deployment.
func TestVerifyFindsDamagedLogs(t *testing.T) {
	for what, test := range map[string]struct {
		path   string // "" is the path of the log
		change func(l *records.AuditLog)
		sound  bool
	}{
		"no change":               {change: func(*records.AuditLog) {}, sound: true},
		"another origin":          {change: func(l *records.AuditLog) { l.Origin += "x" }},
		"another public key":      {change: func(l *records.AuditLog) { l.Public += "x" }},
		"another seed":            {change: func(l *records.AuditLog) { l.Seed[0] ^= 1 }},
		"another chain":           {change: func(l *records.AuditLog) { l.Chain[0] ^= 1 }, sound: true},
		"a long chain":            {change: func(l *records.AuditLog) { l.Chain = append(l.Chain, 0) }},
		"a short chain":           {change: func(l *records.AuditLog) { l.Chain = l.Chain[1:] }},
		"a path that lacks zeros": {path: "/1", change: func(*records.AuditLog) {}},
		"number 0":                {path: "/000000", change: func(*records.AuditLog) {}},
		"another number":          {path: "/000002", change: func(*records.AuditLog) {}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newDamageTest(t)
			path, log := w.listed()
			test.change(&log)
			if test.path != "" {
				path = path[:strings.Index(path, "/")] + test.path
			}
			w.update(func(tx *store.Tx) error { return records.AuditLogs.Put(tx, path, log) })
			if test.sound {
				w.wantFindings(nil)
			} else {
				w.wantFindings([]string{"audit-log/" + path + ": its content belongs"})
			}
		})
	}
	w := newDamageTest(t)
	w.update(func(tx *store.Tx) error { return records.DeploymentIDs.Delete(tx, records.DeploymentIDPath) })
	w.wantFindings([]string{"deployment-id/this: it is missing: audit-log/.* needs it"})
	for path, d := range map[string]records.DeploymentID{"that": {ID: "ABCDEFGHIJKLMNOP"}, records.DeploymentIDPath: {ID: "a_b"}} {
		w := newDamageTest(t)
		w.update(func(tx *store.Tx) error { return records.DeploymentIDs.Put(tx, path, d) })
		findings, _, err := w.verify()
		if err != nil || !slices.ContainsFunc(findings, func(f string) bool { return strings.HasPrefix(f, "deployment-id/"+path+": its content") }) {
			t.Errorf("%s: %q, %v", path, findings, err)
		}
	}
}

// A deployment that is being copied is verified with the keyring of the copy.
func TestVerifyWithAKeyring(t *testing.T) {
	w := newDamageTest(t)
	w.alter(records.KeyringPath, remove)
	w.update(func(tx *store.Tx) error { return records.Copies.Put(tx, records.CopyPath, records.Copy{}) })
	var findings []string
	r := Remains{Backend: w.backend, Slots: w.slots, Keyring: w.keyring, Log: noLog()}
	if _, err := Verify(t.Context(), r, func(f Finding) { findings = append(findings, f.String()) }); err != nil || len(findings) > 0 {
		t.Errorf("%q, %v", findings, err)
	}
	w.update(func(tx *store.Tx) error { return records.Copies.Put(tx, "that", records.Copy{}) })
	if _, err := Verify(t.Context(), r, func(f Finding) { findings = append(findings, f.String()) }); err != nil || len(findings) != 1 || !strings.HasPrefix(findings[0], "copy/that: its content") {
		t.Errorf("%q, %v", findings, err)
	}
}
