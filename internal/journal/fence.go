package journal

import (
	"context"
	"errors"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrFenced means that another process has taken over this node: the process must stop.
var ErrFenced = errors.New("another process has taken over this node")

// Start makes this process the only one that commits for the node: it writes another incarnation to
// the fence of the node. So commits of former processes that are still under way conflict. "" is the
// only node of the deployment, whose ID is in the store. enter, if not nil, makes a change in the same
// transaction.
//
// While the disk of a store is full that belongs to one process, Start goes on under the former
// incarnation, because no commit of a former process is under way there.
func (j *Journal) Start(ctx context.Context, node string, enter func(tx *store.Tx, incarnation string) error) error {
	incarnation := records.NewNodeID()
	err := j.store.Update(ctx, func(tx *store.Tx) (err error) {
		if j.node = node; node == "" {
			if j.node, err = records.SoleNodeID(tx); err != nil {
				return err
			}
		}
		if _, _, err := records.Fences.Get(tx, j.node); err != nil {
			return err
		}
		if enter != nil {
			err = enter(tx, incarnation)
		}
		return errors.Join(err, records.Fences.Put(tx, j.node, records.Fence{Incarnation: incarnation}))
	})
	if err != nil && (j.store.Shared() || !errors.Is(err, space.ErrFull)) {
		return err
	}
	full := err
	return j.store.View(ctx, func(v *store.View) error {
		f, ok, err := records.Fences.Get(v, j.node)
		switch {
		case err != nil:
			return err
		case !ok:
			return full
		case full == nil && f.Incarnation != incarnation:
			return j.Stop(ErrFenced)
		}
		j.incarnation = f.Incarnation
		return j.readFence(v)
	})
}

// checkFence makes a transaction conflict if the fence was written since this process read it, or
// since the given revision of the fence. When a transaction runs again, it reads the fence.
func (j *Journal) checkFence(tx *store.Tx, fence int64, again bool) error {
	switch {
	case again && fence != 0:
		return j.HoldSlots(tx, fence)
	case again:
		return j.readFence(tx)
	case fence == 0:
		fence = j.fence.Load()
	}
	return records.Fences.Expect(tx, j.node, fence)
}

// readFence returns ErrFenced if this process may not commit any more.
func (j *Journal) readFence(from store.Getter) error {
	_, err := j.fenceIn(from)
	return err
}

// fenceIn is readFence that also returns the revision of the fence.
func (j *Journal) fenceIn(from store.Getter) (rev int64, err error) {
	f, _, err := records.Fences.Get(from, j.node)
	if err != nil {
		return 0, err
	}
	if f.Incarnation != j.incarnation {
		return 0, j.Stop(ErrFenced)
	}
	if rev, err = records.Fences.Revision(from, j.node); err == nil {
		j.fence.Store(rev)
	}
	return rev, err
}

// CheckFence looks at the fence, and stops the node if another process has taken it over.
func (j *Journal) CheckFence(ctx context.Context) error {
	return j.store.View(ctx, func(v *store.View) error { return j.readFence(v) })
}

// HoldFence makes a transaction conflict if another process takes over this node meanwhile. It
// returns ErrFenced if this process may not commit any more.
func (j *Journal) HoldFence(tx *store.Tx) error { return j.readFence(tx) }

// Stop makes the node refuse everything from now on, for a reason, and tells the owner of the Journal
// once. It returns the reason.
func (j *Journal) Stop(reason error) error {
	if j.stopped.CompareAndSwap(nil, &reason) {
		go j.onFenced(reason)
	}
	return *j.stopped.Load()
}

// Fenced returns the reason why the node must refuse everything, such as ErrFenced, or nil.
func (j *Journal) Fenced() error {
	if reason := j.stopped.Load(); reason != nil {
		return *reason
	}
	return nil
}

// Incarnation returns the incarnation of this process, after Start.
func (j *Journal) Incarnation() string { return j.incarnation }
