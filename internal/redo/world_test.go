package redo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/transparency"
)

const (
	account    = "111122223333"
	region     = "eu-west-2"
	deployment = "AAAABBBBCCCCDDDD"
	cutAt      = 100 // revision of the Cut
)

var cutTime = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// A world is a store at the Cut, and the audit logs of its nodes.
type world struct {
	*testing.T
	backend store.Backend
	sealer  store.Sealer
	store   *store.Store
	cut     Cut
	logs    []Log
	seed    byte
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, cut: Cut{Revision: cutAt, Time: cutTime}}
	w.backend = memory.New()
	keyring, err := records.OpenKeyring(t.Context(), w.backend, seal.NewEphemeralRoot(), true)
	w.must(err)
	w.sealer = keyring.Records()
	w.store = store.New(w.backend, w.sealer)
	w.update(func(tx *store.Tx) error {
		return records.DeploymentIDs.Put(tx, records.DeploymentIDPath, records.DeploymentID{ID: deployment})
	})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) update(fn func(tx *store.Tx) error) {
	w.Helper()
	w.must(w.store.Update(w.Context(), fn))
}

// sole makes a node the only one of the store.
func (w *world) sole(node string) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		return records.SoleNodes.Put(tx, records.SoleNodePath, records.SoleNode{ID: node})
	})
}

// share makes a node one of several, which has told the others its last event.
func (w *world) share(node, lastEvent string) {
	w.Helper()
	w.cut.Shared = true
	w.update(func(tx *store.Tx) error {
		return records.Nodes.Put(tx, node, records.Node{LastEvent: lastEvent})
	})
}

// keysOf returns new keys for a log.
func (w *world) keysOf(deployment, name string) audit.Keys {
	w.seed++
	return audit.Keys{Origin: transparency.Origin(deployment, name), Seed: bytes.Repeat([]byte{w.seed}, 32),
		Chain: bytes.Repeat([]byte{w.seed + 100}, 32)}
}

// know puts the keys of a log of a node into the store.
func (w *world) know(node string, n int, k audit.Keys) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		return records.AuditLogs.Put(tx, records.AuditLogPath(node, n), records.AuditLog{Origin: k.Origin,
			Public: k.VerifierKey(), Seed: k.Seed, Chain: k.Chain, Begun: true})
	})
}

// write writes a protected log, and returns its path.
func (w *world) write(k audit.Keys, events ...audit.Event) (path string) {
	w.Helper()
	path = filepath.Join(w.TempDir(), "audit.log")
	l, err := audit.Open(path, audit.Options{})
	w.must(err)
	w.must(l.Protect(w.Context(), audit.Protection{Keys: k, Log: slog.New(slog.DiscardHandler)}))
	for _, e := range events {
		w.must(l.Write(w.Context(), e))
	}
	w.must(l.Close())
	return path
}

// log gives Read a log, which the store knows, of a node.
func (w *world) log(node string, events ...audit.Event) (path string) {
	w.Helper()
	k := w.keysOf(deployment, node)
	w.know(node, 1, k)
	path = w.write(k, events...)
	w.logs = append(w.logs, Log{node, path})
	return path
}

// read reads the logs.
func (w *world) read() (plan *Plan, findings []string, err error) {
	w.Helper()
	err = w.store.View(w.Context(), func(v *store.View) (err error) {
		plan, err = Read(w.Context(), v, w.cut, w.logs, func(f Finding) {
			findings = append(findings, f.Log+": "+f.Problem)
		})
		return err
	})
	return plan, findings, err
}

// wantPlan demands a plan without findings. want has the events, the missing and the unknown logs, each with a space in
// between.
func (w *world) wantPlan(events, missing, unknown string) *Plan {
	w.Helper()
	plan, findings, err := w.read()
	w.must(err)
	var ids []string
	for _, e := range plan.Events {
		ids = append(ids, e.EventID)
	}
	if len(findings) > 0 || strings.Join(ids, " ") != events || strings.Join(plan.Missing, " ") != missing ||
		strings.Join(plan.Unknown, " ") != unknown {
		w.Errorf("events %q, missing %q, unknown %q, findings %q\nwant %q, %q, %q", ids, plan.Missing, plan.Unknown,
			findings, events, missing, unknown)
	}
	return plan
}

// wantFinding demands a finding that contains a text.
func (w *world) wantFinding(want string) {
	w.Helper()
	_, findings, err := w.read()
	if err != nil || !strings.Contains(strings.Join(findings, "\n"), want) || len(findings) == 0 {
		w.Errorf("error %v, findings %q, want %q", err, findings, want)
	}
}

// at returns an event of a change at a revision, which is written so many seconds after the Cut.
func at(revision int64, name string, seconds int) audit.Event {
	return audit.Event{EventID: fmt.Sprintf("%s-%d", name, revision), EventName: name, StoreRevision: revision,
		EventTime: cutTime.Add(time.Duration(seconds) * time.Second)}
}

// before and after are events in front of and behind the Cut.
func before() audit.Event { return at(cutAt-50, "CreateKey", -3600) }
func after() audit.Event  { return at(cutAt, "Backup", 0) }

// edit changes the text of a file.
func (w *world) edit(path string, fn func(text []byte) []byte) {
	w.Helper()
	text, err := os.ReadFile(path)
	w.must(err)
	w.must(os.WriteFile(path, fn(text), 0o600))
}

var errRead = errors.New("the disk does not answer")

// copyFile copies a file into an empty folder.
func (w *world) copyFile(path string) (copied string) {
	w.Helper()
	copied = filepath.Join(w.TempDir(), filepath.Base(path))
	from, err := os.Open(path)
	w.must(err)
	defer from.Close()
	to, err := os.Create(copied)
	w.must(err)
	_, err = io.Copy(to, from)
	w.must(errors.Join(err, to.Close()))
	return copied
}
