package material

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A reclaimTest is a deployment with records of each kind that names slots.
type reclaimTest struct {
	*vaultTest
	*Reclaimer
	t        *testing.T
	sleeping func(time.Duration) // called with each pause
	renewing func()              // called before Renew returns
	noted    int
	log      bytes.Buffer
}

func newReclaimTest(t *testing.T) *reclaimTest {
	v := newVaultTest(t)
	r := &reclaimTest{vaultTest: v, t: t, sleeping: func(time.Duration) {}, renewing: func() {}}
	r.Reclaimer = &Reclaimer{
		Vault: v.Vault,
		Renew: func(context.Context) error { r.renewing(); return nil },
		Note: func(ctx context.Context, slots []string) error {
			r.noted += len(slots)
			return r.store.Update(ctx, func(tx *store.Tx) error { return records.NoteErasures(tx, slots) })
		},
		Mine:  func() bool { return true },
		Log:   slog.New(slog.NewTextHandler(&r.log, nil)),
		Sleep: func(ctx context.Context, d time.Duration) error { r.sleeping(d); return ctx.Err() },
	}
	return r
}

func (r *reclaimTest) put() string {
	r.t.Helper()
	slot, err := r.slots.Put(r.t.Context(), randomSecret())
	if err != nil {
		r.t.Fatal(err)
	}
	return slot
}

func (r *reclaimTest) update(fn func(*store.Tx) error) {
	r.t.Helper()
	if err := r.store.Update(r.t.Context(), fn); err != nil {
		r.t.Fatal(err)
	}
}

// nameAll makes a record of each kind, and returns the slots that it names.
func (r *reclaimTest) nameAll() (named []string) {
	for range 7 {
		named = append(named, r.put())
	}
	k := r.key
	k.Materials = []key.Material{{ID: "1", Slot: named[0]}, {ID: "2", Slot: named[1]}}
	k.Pending = &key.Material{ID: "3", Slot: named[2]}
	r.update(func(tx *store.Tx) error {
		return errors.Join(
			records.Keys.Put(tx, records.PathOf(k), k),
			records.TokenRings.Put(tx, records.TokenRingPath, records.TokenRing{Keys: []records.TokenKey{{Slot: named[3]}, {Slot: named[4]}}}),
			records.NoteErasures(tx, named[5:]))
	})
	return named
}

func (r *reclaimTest) wantLeft(want ...string) {
	r.t.Helper()
	left := inUse(r.t, r.slots)
	if len(left) != len(want) {
		r.t.Errorf("%d slots are left, want %d", len(left), len(want))
	}
	for _, slot := range want {
		if !slices.Contains(left, slot) {
			r.t.Errorf("slot %s was erased", slot)
		}
	}
}

// A round erases the slots that no record names, and no others. The records of the erasure are removed.
func TestUnnamedSlotsAreErased(t *testing.T) {
	r := newReclaimTest(t)
	named := r.nameAll()
	for range 3 {
		r.put()
	}
	if n, err := r.Round(t.Context()); n != 3 || err != nil || r.noted != 3 {
		t.Errorf("%d slots, %d in events, %v", n, r.noted, err)
	}
	r.wantLeft(named...)
	if r.cleaned != 1 || !r.TakeErased() {
		t.Errorf("%d Erasures were removed", r.cleaned)
	}
	if n, err := r.Round(t.Context()); n != 0 || err != nil || r.noted != 3 {
		t.Errorf("the second round: %d slots, %v", n, err)
	}
}

// Slots that a record names before Renew returns are kept, and slots that were put after the round has begun. If
// nothing else is left, nothing is renewed.
func TestSlotsOfChangesUnderWayAreKept(t *testing.T) {
	r := newReclaimTest(t)
	left := r.put()
	name := func(slot string) {
		r.update(func(tx *store.Tx) error {
			return records.Keys.Put(tx, slot, key.Key{Materials: []key.Material{{Slot: slot}}})
		})
	}
	early, late, renewed := r.put(), r.put(), 0
	var after string
	r.sleeping = func(d time.Duration) {
		if d == settling && after == "" {
			name(early)
			after = r.put()
		}
	}
	r.renewing = func() { name(late); renewed++ }
	if n, err := r.Round(t.Context()); n != 1 || err != nil || renewed != 1 {
		t.Errorf("%d slots, %d times renewed, %v", n, renewed, err)
	}
	r.wantLeft(early, late, after)
	if slices.Contains(inUse(t, r.slots), left) {
		t.Error("the slot that no record names is left")
	}
	name(after)
	if n, err := r.Round(t.Context()); n != 0 || err != nil || renewed != 1 {
		t.Errorf("without anything to erase: %d slots, %d times renewed, %v", n, renewed, err)
	}
}

// A round that cannot read a record, cannot renew, or cannot write its event erases nothing.
func TestRoundsThatFailEraseNothing(t *testing.T) {
	for name, fault := range map[string]func(r *reclaimTest){
		"key":        func(r *reclaimTest) { r.damage("key/a/r/other") },
		"token-keys": func(r *reclaimTest) { r.damage("token-keys/other") },
		"erase":      func(r *reclaimTest) { r.damage("erase/other") },
		"damaged between the readings": func(r *reclaimTest) {
			r.renewing = func() { r.damage("key/a/r/other") }
		},
		"renewal": func(r *reclaimTest) { r.Renew = func(context.Context) error { return store.ErrUnknown } },
		"event":   func(r *reclaimTest) { r.Note = func(context.Context, []string) error { return store.ErrUnknown } },
		"end": func(r *reclaimTest) {
			r.Sleep = func(context.Context, time.Duration) error { return context.Canceled }
		},
	} {
		r := newReclaimTest(t)
		all := append(r.nameAll(), r.put())
		fault(r)
		if n, err := r.Round(t.Context()); n != 0 || err == nil {
			t.Errorf("%s: %d slots, %v", name, n, err)
		}
		r.wantLeft(all...)
	}
}

// damage writes a record that does not open.
func (r *reclaimTest) damage(path string) {
	_, err := r.backend.Commit(r.t.Context(), store.Batch{Writes: []store.Write{{Key: []byte(path), Value: []byte("damaged")}}})
	if err != nil {
		r.t.Fatal(err)
	}
}

// More than a thousand slots that are more than a tenth of all are not erased.
func TestTooManyUnnamedSlotsAreKept(t *testing.T) {
	for _, c := range []struct {
		named, unnamed, most int
		erased               bool
	}{
		{0, 1000, 0, true}, {0, 1001, 0, false}, {9008, 1001, 0, false}, {9009, 1001, 0, true},
		{0, 1000, 1, true}, {0, 1001, 1000, false}, {0, 1001, 1001, true}, {0, 1002, 1001, false},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := newReclaimTest(t)
			var e records.Erasure
			for range c.named {
				e.Also = append(e.Also, r.put())
			}
			r.update(func(tx *store.Tx) error { return records.Erasures.Put(tx, "first", e) })
			for range c.unnamed {
				r.put()
			}
			r.Most = c.most
			n, err := r.Round(t.Context())
			if text := fmt.Sprintf("--reclaim-slots %d", c.unnamed+1000); !c.erased && !strings.Contains(fmt.Sprint(err), text) {
				t.Errorf("without %s: %v", text, err)
			}
			if c.erased != (n == c.unnamed && err == nil) || !c.erased && (n != 0 || !errors.Is(err, errTooMany)) {
				t.Errorf("%d slots, %v", n, err)
			}
			if left := len(inUse(t, r.slots)); left != c.named+c.unnamed-n {
				t.Errorf("%d slots are left", left)
			}
		})
	}
}

// damagedSlots say that one slot is damaged.
type damagedSlots struct {
	store.Slots
	slot string
}

func (d damagedSlots) Each(ctx context.Context, after string, fn func(string, error) bool) error {
	return d.Slots.Each(ctx, after, func(slot string, damage error) bool {
		if slot == d.slot {
			damage = errors.New("damaged")
		}
		return fn(slot, damage)
	})
}

// A slot that is damaged is kept, because its name may be wrong.
func TestDamagedSlotsAreKept(t *testing.T) {
	r := newReclaimTest(t)
	damaged := r.put()
	r.vaultTest.Vault.slots = damagedSlots{r.slots, damaged}
	r.put()
	if n, err := r.Round(t.Context()); n != 1 || err != nil {
		t.Errorf("%d slots, %v", n, err)
	}
	r.wantLeft(damaged)
}

// A round looks at a bounded number of slots at a time.
func TestRoundsHaveParts(t *testing.T) {
	for part := range 8 {
		r := newReclaimTest(t)
		r.part = part + 1
		var named []string
		for range 3 {
			named = append(named, r.put())
			r.put()
			r.put()
		}
		r.update(func(tx *store.Tx) error { return records.NoteErasures(tx, named) })
		lists := 0
		r.sleeping = func(d time.Duration) {
			if d == settling {
				lists++
			}
		}
		if n, err := r.Round(t.Context()); n != 6 || err != nil || lists != (9+part)/(part+1) {
			t.Errorf("in %d parts of %d: %d slots, %v", lists, r.part, n, err)
		}
		r.wantLeft(named...)
	}
}

// The background has a round soon after a start, and then one a day. A process whose turn it is not has none.
func TestRoundsInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReclaimTest(t)
		r.Sleep = func(ctx context.Context, d time.Duration) error {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		mine := true
		r.Mine = func() bool { return mine }
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		slots := func() int { return len(inUse(t, r.slots)) }
		r.put()
		if time.Sleep(firstRound); slots() != 1 {
			t.Error("a round without a pause")
		}
		if time.Sleep(2 * roundJitter); slots() != 0 || !strings.Contains(r.log.String(), "slots=1") || strings.Contains(r.log.String(), "level=ERROR") {
			t.Errorf("%d slots after the start; the log: %s", slots(), &r.log)
		}
		mine = false
		r.put()
		if time.Sleep(25 * time.Hour); slots() != 1 {
			t.Error("another node carries the round out")
		}
		mine = true
		r.damage("key/a/r/other")
		if time.Sleep(25 * time.Hour); slots() != 1 || !strings.Contains(r.log.String(), `level=ERROR`) || !strings.Contains(r.log.String(), `key/a/r/other`) {
			t.Errorf("with a record that does not open: %d slots, and the log: %s", slots(), &r.log)
		}
		r.update(func(tx *store.Tx) error { return records.Keys.Delete(tx, "a/r/other") })
		if time.Sleep(25 * time.Hour); slots() != 0 {
			t.Error("no round on the next day")
		}
		end()
		<-done
	})
}
