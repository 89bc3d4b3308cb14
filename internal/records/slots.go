package records

import (
	"context"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// slotPage is the number of records that EachSlot reads at a time.
const slotPage = 100

// EachSlot calls fn with the name of every slot that a record names. It reads pages, each in a View of
// its own that begins after the former one, and calls pause after each page. It stops at the first
// record that cannot be read. A slot whose name moves from one record to another one meanwhile may be
// missed: names move only to an Erasure.
func EachSlot(ctx context.Context, s *store.Store, pause func() error, fn func(slot string)) error {
	err := eachSlot(ctx, s, Keys, func(_ string, k key.Key) []string { return k.Slots() }, pause, fn)
	if err == nil {
		err = eachSlot(ctx, s, TokenRings, func(_ string, r TokenRing) []string { return r.Slots() }, pause, fn)
	}
	if err == nil {
		err = eachSlot(ctx, s, Erasures, func(path string, e Erasure) []string { return e.Slots(path) }, pause, fn)
	}
	return err
}

func eachSlot[T any](ctx context.Context, s *store.Store, t store.Table[T], slotsOf func(path string, v T) []string,
	pause func() error, fn func(slot string)) error {
	for after := ""; ; {
		var page []store.Record[T]
		err := s.View(ctx, func(v *store.View) (err error) {
			page, err = t.Scan(v, "", after, slotPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			for _, slot := range slotsOf(r.Path, r.Value) {
				fn(slot)
			}
			after = r.Path
		}
		if err := pause(); err != nil {
			return err
		}
	}
}

// Slots returns all slots of the Erasure at a path.
func (e Erasure) Slots(path string) []string { return append([]string{path}, e.Also...) }

// Slots returns the slots of all token keys.
func (r TokenRing) Slots() (slots []string) {
	for _, k := range r.Keys {
		slots = append(slots, k.Slot)
	}
	return slots
}
