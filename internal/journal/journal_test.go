package journal

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A deployment is a store and the path of its audit log.
type deployment struct {
	*testing.T
	store    *store.Store
	backend  store.Backend
	sealer   store.Sealer
	faulty   *storetest.Faulty // in front of backend, or nil
	path     string
	onFenced func(error) // by default it fails the test
	killed   bool        // the process is killed after run's use, which leaves records behind
}

const node = "NODE"

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	d := &deployment{T: t, backend: memory.New(), sealer: keyring.Records(), path: filepath.Join(t.TempDir(), "audit.log")}
	d.store = store.New(d.backend, d.sealer)
	d.onFenced = func(err error) { d.Error(err) }
	return d
}

// run calls use with a Journal, and closes the log and the Journal in order.
func (d *deployment) run(use func(j *Journal)) {
	d.Helper()
	log, err := audit.Open(d.path, audit.Options{})
	if err != nil {
		d.Fatal(err)
	}
	j := New(d.store, log, slog.New(slog.DiscardHandler), func(err error) { d.onFenced(err) })
	err = j.Start(d.Context(), node, nil)
	for range 100 { // through the faults of a network
		if err != nil && d.faulty != nil {
			err = j.Start(d.Context(), node, nil)
		}
	}
	if err != nil {
		d.Fatal(err)
	}
	use(j)
	if err := errors.Join(log.Close(), j.Close()); err != nil && !d.killed {
		d.Error(err)
	}
}

// countPending returns how many events are in the store.
func (d *deployment) countPending() (n int) {
	d.Helper()
	err := store.New(d.backend, d.sealer).View(d.Context(), func(v *store.View) error {
		left, err := records.Outbox.Scan(v, "", "", 100)
		n = len(left)
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return n
}

// countLogged returns how often the log has an event.
func (d *deployment) countLogged(id string) int {
	d.Helper()
	text, err := os.ReadFile(d.path)
	if err != nil {
		d.Fatal(err)
	}
	return strings.Count(string(text), id)
}

func change(tx *store.Tx) error {
	return records.Deployments.Put(tx, records.DeploymentPath, records.Deployment{Account: "111122223333"})
}

func TestUpdateCarriesItsEvents(t *testing.T) {
	d := newDeployment(t)
	first, second := audit.Event{EventID: NewEventID()}, audit.Event{EventID: NewEventID()}
	d.run(func(j *Journal) {
		if err := j.Update(t.Context(), change, first, second); err != nil {
			t.Fatal(err)
		}
	})
	if d.countLogged(first.EventID) != 1 || d.countLogged(second.EventID) != 1 || d.countPending() != 0 {
		t.Errorf("the log has %d and %d events, the store has %d", d.countLogged(first.EventID), d.countLogged(second.EventID), d.countPending())
	}
}

func TestAChangeThatFailsHasNoEvent(t *testing.T) {
	d := newDeployment(t)
	refused, e := errors.New("refused"), audit.Event{EventID: NewEventID()}
	d.run(func(j *Journal) {
		if err := j.Update(t.Context(), func(*store.Tx) error { return refused }, e); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	})
	if d.countLogged(e.EventID) != 0 || d.countPending() != 0 {
		t.Errorf("the log has %d events, the store has %d", d.countLogged(e.EventID), d.countPending())
	}
}

// After a stop, events that were committed before it are written to the log once, whether or not
// the log had them.
func TestRecoverBringsEventsOnce(t *testing.T) {
	d := newDeployment(t)
	known, missing := audit.Event{EventID: NewEventID()}, audit.Event{EventID: NewEventID()}
	d.run(func(j *Journal) {
		if err := j.Update(t.Context(), change, known); err != nil {
			t.Fatal(err)
		}
	})
	err := d.store.Update(t.Context(), func(tx *store.Tx) error {
		var problems []error
		for _, e := range []audit.Event{known, missing} {
			line, err := e.Line()
			problems = append(problems, err, records.Outbox.Put(tx, records.OutboxPath(node, e.EventID), records.PendingEvent{Line: line}))
		}
		return errors.Join(problems...)
	})
	if err != nil {
		t.Fatal(err)
	}
	d.run(func(j *Journal) {
		if err := j.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if d.countLogged(known.EventID) != 1 || d.countLogged(missing.EventID) != 1 || d.countPending() != 0 {
		t.Errorf("the log has %d and %d events, the store has %d", d.countLogged(known.EventID), d.countLogged(missing.EventID), d.countPending())
	}
}

// A kill loses lines that were queued and not written. The next process then writes a recovered event to an earlier
// offset than its transaction foresaw. If that process is killed too, the one after it still finds the event.
func TestRecoverAfterTwoKills(t *testing.T) {
	d := newDeployment(t)
	e := audit.Event{EventID: NewEventID()}
	line, err := e.Line()
	if err != nil {
		t.Fatal(err)
	}
	path := records.OutboxPath(node, e.EventID)
	left := records.PendingEvent{Line: line, After: 100_000}
	for range 3 {
		if err := d.store.Update(t.Context(), func(tx *store.Tx) error { return records.Outbox.Put(tx, path, left) }); err != nil {
			t.Fatal(err)
		}
		d.run(func(j *Journal) {
			if err := j.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := d.store.View(t.Context(), func(v *store.View) (err error) {
				left, _, err = records.Outbox.Get(v, path) // what a kill leaves
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if n := d.countLogged(e.EventID); n != 1 {
		t.Errorf("the log has the event %d times", n)
	}
}

// Close removes more records than one transaction can.
func TestCloseRemovesAllLeftovers(t *testing.T) {
	d := newDeployment(t)
	const n = 3*leftoverBatch + 1
	d.run(func(j *Journal) {
		for range n {
			if err := j.Update(t.Context(), func(*store.Tx) error { return nil }, audit.Event{EventID: NewEventID()}); err != nil {
				t.Fatal(err)
			}
		}
	})
	if d.countPending() != 0 {
		t.Errorf("%d of %d events stay in the store", d.countPending(), n)
	}
}
