package material

import (
	"context"
	"errors"
	"fmt"

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

// FinishErasures overwrites the slots of Erasures that a stop or a full disk has left unfinished.
func (v *Vault) FinishErasures(ctx context.Context) error {
	failures := v.unerased.Load()
	for after := ""; ; {
		var left []store.Record[records.Erasure]
		err := v.store.View(ctx, func(view *store.View) (err error) {
			left, err = records.Erasures.Scan(view, "", after, 1000)
			return err
		})
		if err != nil {
			return err
		}
		if len(left) == 0 {
			v.unerased.CompareAndSwap(failures, 0)
			return nil
		}
		for _, r := range left {
			if err := v.overwrite(ctx, append([]string{r.Path}, r.Value.Also...)); err != nil {
				return err
			}
		}
		after = left[len(left)-1].Path
	}
}

// NoteUnerased says that a change left slots, which RetryErasures finds.
func (v *Vault) NoteUnerased() { v.unerased.Add(1) }

// RetryErasures overwrites the slots of erasures that failed on a full disk, or that nobody carried
// out. Erasures can fail on copy-on-write file systems, which need space to overwrite.
func (v *Vault) RetryErasures(ctx context.Context) error {
	if v.unerased.Load() == 0 {
		return nil
	}
	return v.FinishErasures(ctx)
}

// Discard overwrites slots that no record names.
func (v *Vault) Discard(ctx context.Context, slots ...string) error {
	return v.slots.Erase(context.WithoutCancel(ctx), slots...)
}

// TakeErased reports whether material was erased since the last call of TakeErased.
func (v *Vault) TakeErased() bool { return v.erased.Swap(false) }
