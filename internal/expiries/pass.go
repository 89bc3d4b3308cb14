package expiries

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Pass looks once for what expires, and warns. A failed warning does not stop the others.
func (w *Watcher) Pass(ctx context.Context) error {
	now := w.Now()
	failed := w.consult(ctx, now)
	if len(w.Ahead) == 0 {
		return failed
	}
	return errors.Join(failed, w.lookForMaterial(ctx, now))
}

// lookForMaterial warns of material that expires.
func (w *Watcher) lookForMaterial(ctx context.Context, now time.Time) (failed error) {
	found, beyond := []Material{}, 0
	horizon := records.DuePath(now.Add(slices.Max(w.Ahead)), "")
	for after := ""; ; {
		page, last, err := w.page(ctx, after, now)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, m := range page {
			failed = errors.Join(failed, w.consider(ctx, m, now))
		}
		found = earliest(append(found, page...), mostShown)
		if last > horizon {
			beyond += pageSize
		}
		if last == "" || beyond > 0 && len(found) == mostShown || beyond >= mostBeyond {
			w.next.Store(&found)
			return failed
		}
		after = last
	}
}

// page returns the expiring materials of the next entries of the index, and the last entry, or "" at the end.
func (w *Watcher) page(ctx context.Context, after string, now time.Time) (all []Material, last string, err error) {
	err = w.Store.View(ctx, func(v *store.View) error {
		entries, err := records.Dues.Scan(v, "", after, pageSize)
		if err != nil || len(entries) == 0 {
			return err
		}
		paths := make([]string, len(entries))
		for i, r := range entries {
			paths[i] = records.KeyPathOfDue(r.Path)
		}
		keys, err := records.Keys.GetAll(v, paths...)
		for _, path := range paths {
			all = append(all, expiring(keys[path], now)...)
		}
		last = entries[len(entries)-1].Path
		return err
	})
	return all, last, err
}

// expiring returns the materials of a key that expire after now. A key that will be deleted needs no material.
func expiring(k key.Key, now time.Time) (all []Material) {
	if !k.DeletionDate.IsZero() || k.State == key.Gone {
		return nil
	}
	for _, m := range k.AllMaterials() {
		if m.Present() && m.ValidTo.After(now) {
			all = append(all, Material{k, m.ID, m.ValidTo})
		}
	}
	return all
}

// consider warns of a material if a threshold has come of which nobody has warned.
func (w *Watcher) consider(ctx context.Context, m Material, now time.Time) error {
	i := threshold(w.Ahead, m.ValidTo.Sub(now))
	path := records.PathOf(m.Key)
	if i < 0 || !w.May() || !w.Mine(path) {
		return nil
	}
	warned := false
	err := w.Store.View(ctx, func(v *store.View) error {
		r, _, err := records.ExpiryWarnings.Get(v, path)
		warned = r.Materials[m.ID].Covers(m.ValidTo, w.Ahead[i])
		return err
	})
	if err != nil || warned {
		return err
	}
	err = w.warn(ctx, m, i, now)
	if errors.Is(err, errNothingToWarnOf) || errors.Is(err, store.ErrConflict) {
		return nil // the key was changed meanwhile, or another node has warned
	}
	return err
}
