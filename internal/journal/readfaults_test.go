package journal

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// Every method fails if one of its reads or commits fails, or if it reads a damaged record, and works again afterwards.
// Of the fence of its own node, a method may need the revision alone.
func TestMethodsFailWithTheirReadsAndCommits(t *testing.T) {
	d := newDeployment(t)
	d.store = store.New(storetest.Stepped{Backend: d.backend}, d.sealer)
	lost := func() {
		err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			e := audit.Event{EventID: NewEventID()}
			line, err := e.Line()
			return errors.Join(err, records.Fences.Put(tx, "OTHER", records.Fence{Incarnation: "x"}),
				records.Outbox.Put(tx, records.OutboxPath(node, e.EventID), records.PendingEvent{Line: line}),
				records.Outbox.Put(tx, records.OutboxPath("OTHER", e.EventID), records.PendingEvent{Line: line}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	lost()
	d.run(func(j *Journal) {
		taken, err := j.TakeOver(t.Context(), "THIRD", always)
		if err != nil {
			t.Fatal(err)
		}
		for name, call := range map[string]func(ctx context.Context) error{
			"Update": func(ctx context.Context) error { return j.Update(ctx, change, audit.Event{EventID: NewEventID()}) },
			"Start":  func(ctx context.Context) error { return j.Start(ctx, node, nil) },
			"Recover": func(ctx context.Context) error {
				lost()
				return j.Recover(ctx)
			},
			"CheckAge":   j.CheckAge,
			"CheckFence": j.CheckFence,
			"Renew":      j.Renew,
			"UpdateAt with slots": func(ctx context.Context) error {
				_, err := j.UpdateAt(ctx, j.Fence(), change, audit.Event{EventID: NewEventID()})
				return err
			},
			"TakeOver": func(ctx context.Context) error {
				lost()
				_, err := j.TakeOver(ctx, "OTHER", always)
				return err
			},
			"Hold": func(ctx context.Context) error { return d.store.Update(ctx, taken.Hold) },
			"the first start": func(ctx context.Context) error {
				j := New(d.store, audit.New(audit.Discard{}, audit.Options{}), slog.New(slog.DiscardHandler), nil)
				return errors.Join(j.Start(ctx, "", nil), j.Close())
			},
		} {
			for at := 1; ; at++ {
				f := &storetest.StepFault{At: at}
				err := call(f.Context(t.Context()))
				if f.Steps < at {
					if err != nil || at == 1 && name != "CheckAge" {
						t.Errorf("%s: %v after %d steps", name, err, f.Steps)
					}
					break
				}
				if !errors.Is(err, storetest.ErrStep) {
					t.Errorf("%s without %v: %v", name, f.Broken, err)
				}
				if err := call(t.Context()); err != nil {
					t.Errorf("%s again after %v: %v", name, f.Broken, err)
				}
			}
			for at := 1; ; at++ {
				f := &storetest.StepFault{At: at, Damages: true}
				err := call(f.Context(t.Context()))
				if f.Steps < at {
					break
				}
				if _, corrupt := errors.AsType[*store.CorruptError](err); !corrupt && f.Broken[0] != "fence/"+node && name != "the first start" {
					t.Errorf("%s with %v damaged: %v", name, f.Broken, err)
				}
				if err := call(t.Context()); err != nil {
					t.Errorf("%s without damage: %v", name, err)
				}
			}
		}
	})
}

// A change whose event has no line, or whose event has an ID that the store cannot keep, is not made.
func TestChangesWithoutEventsAreNotMade(t *testing.T) {
	d := newDeployment(t)
	d.run(func(j *Journal) {
		good := audit.Event{EventID: NewEventID()}
		for name, bad := range map[string]audit.Event{
			"two lines": {EventID: NewEventID(), RequestParameters: []byte("{\n}")},
			"a long ID": {EventID: string(make([]byte, store.MaxKey))},
		} {
			called := false
			err := j.Update(t.Context(), func(tx *store.Tx) error { called = true; return change(tx) }, good, bad)
			if err == nil {
				t.Errorf("%s: the change was made", name)
			}
			if name == "two lines" && called {
				t.Errorf("%s: the transaction began", name)
			}
		}
	})
	if d.countLogged("eventID") != 0 || d.countPending() != 0 {
		t.Errorf("the log has %d events, the store has %d", d.countLogged("eventID"), d.countPending())
	}
	err := d.store.View(t.Context(), func(v *store.View) error {
		if _, made, err := records.Deployments.Get(v, records.DeploymentPath); err != nil || made {
			t.Errorf("the change was made: %v, %v", made, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The age of a store is compared with its log.
func TestAges(t *testing.T) {
	for _, test := range []struct {
		store, logged int64
		hasEvents     bool
		want          error
	}{
		{0, 0, false, nil}, {5, 0, false, nil}, {5, 0, true, ErrNoRevision}, {0, 0, true, ErrNoRevision},
		{5, 4, true, nil}, {5, 5, true, nil}, {5, 6, true, ErrOlderStore}, {5, 6, false, ErrOlderStore},
	} {
		if err := CompareAge(test.store, test.logged, test.hasEvents); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

// The journal remembers the events of other nodes only as long as they are in its outbox.
func TestRelayedEventsAreForgotten(t *testing.T) {
	d := newDeployment(t)
	d.run(func(j *Journal) {
		j.recovering["an event that has left the outbox"] = true
		if err := j.relayRecovered(t.Context()); err != nil || len(j.recovering) > 0 {
			t.Errorf("%v, %v", j.recovering, err)
		}
	})
}
