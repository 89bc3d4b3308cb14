package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A usageFixture is a keyUsage without its background work, over a store with keys.
type usageFixture struct {
	*testing.T
	*keyUsage
	start time.Time
}

func newUsageFixture(t *testing.T, keyIDs int) usageFixture {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(memory.New(), keyring.Records())
	for i := range keyIDs {
		err := s.Update(t.Context(), func(tx *store.Tx) error { return records.Keys.Put(tx, usedPath(i), key.Key{State: key.Enabled}) })
		if err != nil {
			t.Fatal(err)
		}
	}
	u := &keyUsage{
		store: s, log: slog.New(slog.DiscardHandler), diskFull: func() error { return nil }, put: putUsages,
		keys: map[string]notedUsage{}, max: maxUsages, full: make(chan struct{}, 1),
	}
	return usageFixture{t, u, time.Now()}
}

func usedPath(i int) string { return fmt.Sprintf("account/region/%06d", i) }

func (f usageFixture) use(i int, event string, after time.Duration) {
	f.note(usedPath(i), records.Usage{Operation: "Encrypt", RequestID: "request", EventID: event, Time: f.start.Add(after)})
}

func (f usageFixture) writeAfter(after time.Duration) {
	f.Helper()
	if err := f.write(f.Context(), f.start.Add(after), usageInterval); err != nil {
		f.Fatal(err)
	}
}

// writtenEvent returns the event of the stored usage of a key.
func (f usageFixture) writtenEvent(i int) (event string) {
	f.Helper()
	err := f.store.View(f.Context(), func(v *store.View) error {
		r, _, err := records.Usages.Get(v, usedPath(i))
		event = r.EventID
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return event
}

// The usage of a key that is used all the time is written once an hour, and is current in memory.
func TestUsageIsWrittenNowAndThen(t *testing.T) {
	f := newUsageFixture(t, 1)
	for _, step := range []struct {
		after   time.Duration
		written string
	}{{0, "0s"}, {time.Minute, "0s"}, {time.Hour - 1, "0s"}, {time.Hour, "1h0m0s"}, {90 * time.Minute, "1h0m0s"}, {2 * time.Hour, "2h0m0s"}} {
		event := step.after.String()
		f.use(0, event, step.after)
		f.writeAfter(step.after)
		if r, ok := f.last(usedPath(0)); !ok || r.EventID != event || f.writtenEvent(0) != step.written {
			t.Errorf("after %v: in memory %v, written %s, want %s", step.after, r, f.writtenEvent(0), step.written)
		}
	}
	f.writeAfter(3*time.Hour - 1)
	if len(f.keys) != 1 {
		t.Error("it is forgotten too early")
	}
	f.writeAfter(3 * time.Hour)
	if len(f.keys) != 0 {
		t.Error("a key that was not used for an hour is still in memory")
	}
}

// On a full disk usages stay in memory, and are written when there is space.
func TestUsageOnAFullDisk(t *testing.T) {
	f := newUsageFixture(t, 1)
	f.diskFull = func() error { return space.ErrFull }
	f.use(0, "a", 0)
	if err := f.write(t.Context(), f.start, usageInterval); !errors.Is(err, space.ErrFull) || f.writtenEvent(0) != "" {
		t.Errorf("%v, written %q", err, f.writtenEvent(0))
	}
	f.diskFull = func() error { return nil }
	if f.writeAfter(0); f.writtenEvent(0) != "a" {
		t.Errorf("written %q", f.writtenEvent(0))
	}
}

// A write does not wait for ever for a store that does not answer.
func TestUsageBesideASilentStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newUsageFixture(t, 1)
		keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
		if err != nil {
			t.Fatal(err)
		}
		silent := &storetest.Faulty{Backend: memory.New()}
		silent.Pause()
		f.store = store.New(silent, keyring.Records())
		f.use(0, "a", 0)
		begun := time.Now()
		if err := f.write(t.Context(), f.start, usageInterval); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != usagePatience {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestOlderUsageIsNoNews(t *testing.T) {
	f := newUsageFixture(t, 1)
	f.use(0, "late", time.Second)
	f.use(0, "early", 0)
	f.use(0, "later", 2*time.Second)
	if r, _ := f.last(usedPath(0)); r.EventID != "later" {
		t.Errorf("%+v", r)
	}
}

// More usages than a transaction can contain are written. Usages of removed keys are not written.
func TestUsageOfManyKeys(t *testing.T) {
	f := newUsageFixture(t, 3*usageBatch)
	for i := range 3*usageBatch + 5 {
		f.use(i, "event", 0)
	}
	err := f.store.Update(t.Context(), func(tx *store.Tx) error { return records.Keys.Put(tx, usedPath(7), key.Key{State: key.Gone}) })
	if err != nil {
		t.Fatal(err)
	}
	f.writeAfter(0)
	for i := range 3*usageBatch + 5 {
		if there := f.writtenEvent(i) != ""; there != (i < 3*usageBatch && i != 7) {
			t.Errorf("key %d: written %v", i, there)
		}
	}
	f.forget(usedPath(0))
	if _, ok := f.last(usedPath(0)); ok {
		t.Error("it is not forgotten")
	}
}

// Memory is limited: before it is full, new usages are written and all entries are dropped.
func TestUsageMakesRoom(t *testing.T) {
	f := newUsageFixture(t, 20)
	f.max = 12
	for i := range 9 {
		f.use(i, "event", 0)
	}
	if len(f.full) != 0 {
		t.Error("full too early")
	}
	for i := range 20 {
		f.use(i, "again", time.Second)
	}
	if len(f.full) != 1 || len(f.keys) != 12 {
		t.Errorf("%d keys in memory, %d signals", len(f.keys), len(f.full))
	}
	if err := f.makeRoom(t.Context(), f.start); err != nil {
		t.Fatal(err)
	}
	if len(f.keys) != 0 || f.writtenEvent(11) != "again" || f.writtenEvent(12) != "" {
		t.Errorf("left are %v", f.keys)
	}
}

// A usage during the write of the key's previous usage is written later.
func TestUsageWhileWriting(t *testing.T) {
	f := newUsageFixture(t, 1)
	f.use(0, "one", 0)
	due := f.due(f.start, usageInterval)
	f.use(0, "two", time.Second)
	f.markWritten(due, f.start)
	if n := f.keys[usedPath(0)]; n.clean || n.EventID != "two" {
		t.Errorf("%+v", n)
	}
	f.writeAfter(time.Hour)
	if f.writtenEvent(0) != "two" {
		t.Errorf("written is %s", f.writtenEvent(0))
	}
}
