package material

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/records"
)

// A Reclaimer erases the slots that no record names: a process that stops between the writing of a slot
// and the commit that names the slot leaves one.
type Reclaimer struct {
	Vault *Vault
	// Renew ensures that no commit that is made after Renew returns names a slot that was put before Renew
	// was called (journal.Journal.Renew).
	Renew func(ctx context.Context) error
	// Note commits an Erasure of slots, with its event.
	Note func(ctx context.Context, slots []string) error
	// Mine reports whether this process erases the slots of the deployment now.
	Mine func() bool
	Log  *slog.Logger
	// Sleep waits, or returns why the context has ended.
	Sleep func(ctx context.Context, d time.Duration) error

	// Most is the number of slots of a part that are erased without a question; fewSlots if it is less.
	Most int

	part int // slots that are looked at together; partSlots if 0
}

// The times of rounds. The first round comes soon after a start, because a crash leaves slots.
const (
	firstRound   = 5 * time.Minute
	betweenRound = 24 * time.Hour
	roundJitter  = 5 * time.Minute
	// settling is how long a round waits for the commits of the slots that it has listed.
	settling = time.Minute
)

// The bounds of a round. A part takes about 20 MB of memory, and reads all records that can name slots.
const (
	partSlots  = 1 << 20               // slots that are looked at together
	slotsPage  = 10_000                // slots that are listed before a pause
	erasedPage = 1000                  // slots in one Erasure
	pagePause  = 20 * time.Millisecond // after each page of slots or records
)

// So many slots of a part are erased without a question. If it would be more, and more than the fraction of
// all slots, records are more likely lost than slots left over.
const (
	fewSlots  = 1000
	mostSlots = 10 // one slot in mostSlots
)

// errTooMany ends a round before it erases anything.
var errTooMany = errors.New("no record names an unlikely number of slots, and none of them was erased")

// Run carries out rounds until the context ends.
func (r *Reclaimer) Run(ctx context.Context) {
	for wait := firstRound; r.Sleep(ctx, wait+rand.N(roundJitter)) == nil; wait = betweenRound {
		if !r.Mine() {
			continue
		}
		erased, err := r.Round(ctx)
		if erased > 0 {
			r.Log.Info("slots that no record named were erased", "slots", erased)
		}
		if err != nil && ctx.Err() == nil {
			r.Log.Error("slots that no record names were not looked for to the end; the server tries again in a day",
				"error", err)
		}
	}
}

// Round erases the slots that no record names, and returns their number. If a record that can name slots is
// unreadable, or if the slots would be too many, it erases nothing of the part.
func (r *Reclaimer) Round(ctx context.Context) (erased int, err error) {
	for after := ""; ; {
		var unnamed []string
		unnamed, after, err = r.look(ctx, after)
		if err != nil {
			return erased, err
		}
		for page := range slices.Chunk(unnamed, erasedPage) {
			if err := r.erase(ctx, page); err != nil {
				return erased, err
			}
			erased += len(page)
		}
		if after == "" {
			return erased, nil
		}
	}
}

func (r *Reclaimer) erase(ctx context.Context, slots []string) error {
	if err := r.Note(ctx, slots); err != nil {
		return err
	}
	return r.Vault.Erase(ctx, slots)
}

// look looks at the part that begins behind the slot after. It returns the unnamed slots of the part, which no
// commit will name either, and the last slot of the part, or "" if no part follows.
//
// The records are read twice. The first reading finds out whether there is anything to do, because Renew makes
// commits fail that have put their slots already. Only a slot that was found before Renew, and that the second reading
// does not name, is unnamed for ever.
func (r *Reclaimer) look(ctx context.Context, after string) (unnamed []string, next string, err error) {
	seed := maphash.MakeSeed()
	listed := map[uint64]bool{}
	next, err = r.list(ctx, after, func(slot string) bool {
		listed[maphash.String(seed, slot)] = true
		return len(listed) < cmp.Or(r.part, partSlots)
	})
	all := len(listed)
	if err == nil && all > 0 {
		err = r.Sleep(ctx, settling)
	}
	if err == nil {
		err = r.named(ctx, func(slot string) { delete(listed, maphash.String(seed, slot)) })
	}
	switch {
	case err != nil || len(listed) == 0:
		return nil, next, err
	case len(listed) > max(fewSlots, r.Most) && len(listed) > all/mostSlots:
		return nil, "", fmt.Errorf("%w: %d of %d. Stop the server and run keyhold verify, which finds damaged records. If "+
			"it finds none, and no key is missing, start the server once with --reclaim-slots %d",
			errTooMany, len(listed), all, len(listed)+fewSlots)
	}
	found := map[string]bool{}
	_, err = r.list(ctx, after, func(slot string) bool {
		if listed[maphash.String(seed, slot)] {
			found[slot] = true
		}
		return true
	})
	if err == nil {
		err = r.Renew(ctx)
	}
	if err == nil {
		err = r.named(ctx, func(slot string) { delete(found, slot) })
	}
	return slices.Sorted(maps.Keys(found)), next, err
}

// list calls fn with the slots behind a slot until fn returns false. It returns the last slot of fn then, and
// otherwise "". Damaged slots are left out: their names may be wrong.
func (r *Reclaimer) list(ctx context.Context, after string, fn func(slot string) bool) (last string, err error) {
	n := 0
	var stopped error
	err = r.Vault.slots.Each(ctx, after, func(slot string, damage error) bool {
		if n++; n%slotsPage == 0 {
			if stopped = r.Sleep(ctx, pagePause); stopped != nil {
				return false
			}
		}
		if damage == nil && !fn(slot) {
			last = slot
		}
		return last == ""
	})
	return last, errors.Join(err, stopped)
}

// named calls fn with every slot that a record names.
func (r *Reclaimer) named(ctx context.Context, fn func(slot string)) error {
	return records.EachSlot(ctx, r.Vault.store, func() error { return r.Sleep(ctx, pagePause) }, fn)
}
