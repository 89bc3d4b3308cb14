package reseal

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrRotating means that a data key was not added, because records are still being sealed again under the last one.
var ErrRotating = errors.New("the records are still being sealed again under the newest data key: " +
	"\"keyhold seal status\" shows the progress")

// RotateRoot prepares a new root key. The custody of this process wraps it, and the other custodies do when a server
// that uses them reads the keyring again.
func (k *Keeper) RotateRoot(ctx context.Context) (c Change, err error) {
	if err := k.checkLevel(ctx); err != nil {
		return c, err
	}
	return k.prepare(ctx, func(o *seal.Opened) error {
		if err := o.Upgrade(ctx, k.Root(), k.Now()); err != nil {
			return err
		}
		return o.RotateRoot(ctx, k.Now(), k.Root())
	})
}

// RotateData prepares a new data key. Run seals all records again under it, and destroys the older data keys.
func (k *Keeper) RotateData(ctx context.Context) (c Change, err error) {
	if err := k.checkLevel(ctx); err != nil {
		return c, err
	}
	c, err = k.prepare(ctx, func(o *seal.Opened) error {
		if err := o.Upgrade(ctx, k.Root(), k.Now()); err != nil {
			return err
		}
		return o.AddDataKey(ctx, k.Now())
	})
	if err != nil {
		return c, err
	}
	r := records.Reseal{
		To: c.Keyring.Keys[len(c.Keyring.Keys)-1].Version, Phase: records.PhaseWaiting, Begun: k.Now().UTC(),
	}
	c.also = func(tx *store.Tx) error {
		before, ok, err := records.Reseals.Get(tx, records.ResealPath)
		if err == nil && ok && before.Phase != records.PhaseResting && before.Phase != records.PhaseChecking {
			err = ErrRotating
		}
		return errors.Join(err, records.Reseals.Put(tx, records.ResealPath, r))
	}
	return c, nil
}

// KeyDetails are in the events of data keys.
type KeyDetails struct {
	DataKey uint32 `json:"dataKey"`
}

// use lets all nodes seal under the new data key, when every node has it.
func (k *Keeper) use(ctx context.Context, r records.Reseal) error {
	has, err := k.everyNode(ctx, func(m records.SealMembers) bool { return m.DataKey >= r.To })
	if err != nil || !has {
		return err
	}
	c, err := k.prepare(ctx, func(o *seal.Opened) error {
		o.UseDataKeys()
		return nil
	})
	if err != nil {
		return err
	}
	next := r
	next.Phase = records.PhaseUsing
	c.also = func(tx *store.Tx) error { return replace(tx, r, next) }
	if err := k.Record(ctx, "UseDataKey", KeyDetails{r.To}, c.Put); err != nil {
		return err
	}
	c.Made()
	return nil
}

// begin begins to count the records under older data keys, when no node seals under them any more.
func (k *Keeper) begin(ctx context.Context, r records.Reseal) error {
	seals, err := k.everyNode(ctx, func(m records.SealMembers) bool { return m.Sealing >= r.To })
	if err != nil || !seals {
		return err
	}
	next := r
	next.Phase, next.Since = records.PhaseCounting, k.Now().UTC()
	k.Log.Info("all records are sealed again under a new data key", "dataKey", r.To)
	return k.Store.Update(ctx, func(tx *store.Tx) error { return replace(tx, r, next) })
}

// everyNode reports whether something is true of every node that may answer requests, or else of this process.
func (k *Keeper) everyNode(ctx context.Context, is func(records.SealMembers) bool) (bool, error) {
	var serving map[string]records.Node
	err := k.Store.View(ctx, func(v *store.View) (err error) {
		serving, err = servingNodes(v)
		return err
	})
	for _, n := range serving {
		if !is(n.SealMembers) {
			return false, err
		}
	}
	return is(k.Members()), err
}

// destroy takes the older data keys out of the keyring, which ends the rotation.
func (k *Keeper) destroy(ctx context.Context, r records.Reseal) error {
	c, err := k.prepare(ctx, func(o *seal.Opened) error {
		o.DestroyDataKeys(r.To)
		return nil
	})
	if err != nil {
		return err
	}
	c.also = func(tx *store.Tx) error {
		if err := expect(tx, r); err != nil {
			return err
		}
		return records.Reseals.Delete(tx, records.ResealPath)
	}
	if err := k.Record(ctx, "DestroyDataKeys", KeyDetails{r.To}, c.Put); err != nil {
		return err
	}
	c.Made()
	k.Log.Info("no record names an older data key any more, and the older data keys were destroyed", "dataKey", r.To)
	return nil
}

// errElsewhere means that another process has carried the rotation on.
var errElsewhere = fmt.Errorf("%w: another process carries out the rotation", store.ErrConflict)

// replace replaces the record of a rotation, unless an earlier commit of unknown outcome has done so.
func replace(tx *store.Tx, from, to records.Reseal) error {
	now, _, err := records.Reseals.Get(tx, records.ResealPath)
	if err != nil || isAt(now, to) {
		return err
	}
	if !isAt(now, from) {
		return errElsewhere
	}
	return records.Reseals.Put(tx, records.ResealPath, to)
}

// expect returns an error unless the record of a rotation is as it was read.
func expect(tx *store.Tx, r records.Reseal) error {
	now, _, err := records.Reseals.Get(tx, records.ResealPath)
	if err == nil && !isAt(now, r) {
		err = errElsewhere
	}
	return err
}

// isAt reports whether two records are of the same moment of a rotation.
func isAt(a, b records.Reseal) bool {
	return a.To == b.To && a.Phase == b.Phase && a.After == b.After && a.Tries == b.Tries
}
