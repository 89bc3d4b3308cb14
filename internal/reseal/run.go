package reseal

import (
	"context"
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// The pauses of Run. The pause after a page is pace times the time that the page took, so that a rotation takes at
// most a quarter of one processor and of the store, however slow they are.
const (
	idlePause  = time.Second
	leastPause = 5 * time.Millisecond
	pace       = 3
	errorPause = 5 * time.Second
)

// Run keeps the keyring up to date and carries out rotations, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	k.note()
	timer := time.NewTimer(0)
	defer timer.Stop()
	stale, failed := false, ""
	for {
		select {
		case <-k.changed:
			stale = true
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		var err error
		if stale {
			if err = k.reload(ctx); err == nil {
				stale = false
			}
		}
		pause := errorPause
		if err == nil {
			pause, err = k.Step(ctx)
		}
		if err != nil && ctx.Err() == nil && err.Error() != failed {
			k.Log.Error("the keyring was not changed or read; the server tries again", "error", err)
		}
		if failed = ""; err != nil {
			failed = err.Error()
		}
		timer.Reset(pause)
	}
}

// Step carries on the rotation of data keys, if there is one and this process carries it out. It returns how long to
// wait before the next step.
func (k *Keeper) Step(ctx context.Context) (pause time.Duration, err error) {
	if k.May() != nil || !k.Mine() {
		return idlePause, nil
	}
	begun := time.Now()
	r, ok, err := k.rotation(ctx)
	if err != nil || !ok {
		return idlePause, err
	}
	switch r.Phase {
	case records.PhaseWaiting:
		return idlePause, quiet(k.use(ctx, r))
	case records.PhaseUsing:
		return idlePause, quiet(k.begin(ctx, r))
	case records.PhaseResting:
		if k.Now().Before(r.Rest) {
			return idlePause, nil
		}
		next := r
		next.Phase, next.Found, next.Stuck = records.PhaseChecking, 0, 0
		return idlePause, quiet(k.Store.Update(ctx, func(tx *store.Tx) error { return replace(tx, r, next) }))
	}
	at, ended, err := k.page(ctx, r)
	if err == nil && ended {
		err = k.finish(ctx, r, at)
	}
	if err != nil {
		return errorPause, quiet(err)
	}
	return max(leastPause, pace*time.Since(begun)), nil
}

// finish ends a pass. stored is the stored progress, and at the progress in memory.
func (k *Keeper) finish(ctx context.Context, stored, at records.Reseal) error {
	next, destroy := after(at, k.Now().UTC())
	if destroy {
		return k.destroy(ctx, stored)
	}
	if at.Phase == records.PhaseResealing {
		k.Log.Info("all records are sealed again; the older data keys are destroyed later", "records", at.Found,
			"stuck", at.Stuck, "after", next.Rest)
	}
	return k.Store.Update(ctx, func(tx *store.Tx) error { return replace(tx, stored, next) })
}

// quiet returns nil for errors that the next step corrects.
func quiet(err error) error {
	if errors.Is(err, store.ErrConflict) || errors.Is(err, space.ErrFull) {
		return nil
	}
	return err
}

// rotation returns the stored progress of the rotation.
func (k *Keeper) rotation(ctx context.Context) (r records.Reseal, ok bool, err error) {
	err = k.Store.View(ctx, func(v *store.View) error {
		r, ok, err = records.Reseals.Get(v, records.ResealPath)
		return err
	})
	return r, ok, err
}

// isCurrent reports whether this process has what a keyring says.
func (k *Keeper) isCurrent(d seal.Description) bool {
	for _, c := range d.Custodies {
		if c.ID == k.Root().ID() && c.Lags {
			return false
		}
	}
	var latest, sealing uint32
	for _, key := range d.Keys {
		if latest = max(latest, key.Version); !key.Waiting {
			sealing = max(sealing, key.Version)
		}
	}
	return latest == k.Keyring.Latest() && sealing == k.Keyring.Sealing() && d.Keys[0].Version == k.Keyring.Oldest()
}
