package material

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// Erase overwrites the slots of an Erasure that was committed, and has the Erasure removed. While
// an earlier erasure is unfinished, Erase returns an error. After space.ErrFull the sweep tries
// again. After another error the Slots stop the program, and the next start finishes the work.
func (v *Vault) Erase(ctx context.Context, slots []string) error {
	if v.unerased.Load() > 0 {
		return v.FinishErasures(ctx)
	}
	if len(slots) == 0 {
		return nil
	}
	return v.overwrite(ctx, slots)
}

func (v *Vault) overwrite(ctx context.Context, slots []string) error {
	if err := v.slots.Erase(context.WithoutCancel(ctx), slots...); err != nil {
		if errors.Is(err, space.ErrFull) {
			v.unerased.Add(1)
		}
		return fmt.Errorf("erase: %w", err)
	}
	v.opened.drop(slots...)
	v.erased.Store(true)
	v.clean(func(tx *store.Tx) error { return records.Erasures.Delete(tx, slots[0]) })
	return nil
}

// FinishErasures overwrites the slots of all Erasures.
func (v *Vault) FinishErasures(ctx context.Context) error {
	failures := v.unerased.Load()
	err := v.eachErasure(ctx, func(slots []string) error { return v.overwrite(ctx, slots) })
	if err == nil {
		v.unerased.CompareAndSwap(failures, 0)
	}
	return err
}

// eachErasure calls fn with the slots of each Erasure.
func (v *Vault) eachErasure(ctx context.Context, fn func(slots []string) error) error {
	for after := ""; ; {
		var left []store.Record[records.Erasure]
		err := v.store.View(ctx, func(view *store.View) (err error) {
			left, err = records.Erasures.Scan(view, "", after, 1000)
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		for _, r := range left {
			if err := fn(r.Value.Slots(r.Path)); err != nil {
				return err
			}
		}
		after = left[len(left)-1].Path
	}
}

// NoteUnerased says that a change left slots, which the next SweepErasures finds.
func (v *Vault) NoteUnerased() { v.unerased.Add(1) }

// erasurePause is how long the sweep leaves an Erasure to the node that committed it. maxSeen is how
// many Erasures it remembers meanwhile.
const (
	erasurePause = 10 * time.Second
	maxSeen      = 10_000
)

// SweepErasures overwrites the slots of Erasures that failed on a full disk, or that nobody carried
// out: their node may have stopped after its commit. Erasures can fail on copy-on-write file systems,
// which need space to overwrite. Several nodes may carry out one Erasure at once. SweepErasures must
// not be called concurrently.
func (v *Vault) SweepErasures(ctx context.Context, now time.Time) error {
	if v.unerased.Load() > 0 {
		return v.FinishErasures(ctx)
	}
	if now.Sub(v.looked) < erasurePause {
		return nil
	}
	seen := v.seen
	v.looked, v.seen = now, map[string]bool{}
	return v.eachErasure(ctx, func(slots []string) error {
		if seen[slots[0]] {
			return v.overwrite(ctx, slots)
		}
		if len(v.seen) < maxSeen {
			v.seen[slots[0]] = true
		}
		return nil
	})
}

// Discard overwrites slots that no record names.
func (v *Vault) Discard(ctx context.Context, slots ...string) error {
	return v.slots.Erase(context.WithoutCancel(ctx), slots...)
}

// TakeErased reports whether material was erased since the last call of TakeErased.
func (v *Vault) TakeErased() bool { return v.erased.Swap(false) }
