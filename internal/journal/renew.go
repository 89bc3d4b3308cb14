package journal

import (
	"context"
	"fmt"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrRenewed means that a change names slots that were put before the last write of the fence of the
// node. The slots may be erased as slots that no record names, so the change was not made.
var ErrRenewed = fmt.Errorf(
	"%w: the fence of the node was written since the slots of the change were put", store.ErrConflict)

// Fence returns the revision of the last write of the fence that this process knows.
func (j *Journal) Fence() int64 { return j.fence.Load() }

// HoldSlots makes a transaction that names new slots conflict if the fence was written since Fence
// returned its revision, which was before the slots were put. It returns ErrRenewed after that.
func (j *Journal) HoldSlots(tx *store.Tx, fence int64) error {
	rev, err := j.fenceIn(tx)
	if err == nil && rev != fence {
		err = ErrRenewed
	}
	return err
}

// fencesPage is the number of fences that Renew reads at a time.
const fencesPage = 100

// Renew writes the fences of all nodes, and leaves their incarnations as they are. So no commit that is
// made afterwards names a slot that was put before: commits hold the fence as it was before they put
// their slots.
func (j *Journal) Renew(ctx context.Context) error {
	for after := ""; ; {
		var page []store.Record[records.Fence]
		err := j.store.View(ctx, func(v *store.View) (err error) {
			page, err = records.Fences.Scan(v, "", after, fencesPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := j.store.Update(ctx, func(tx *store.Tx) error { return renew(tx, r.Path) }); err != nil {
				return err
			}
			after = r.Path
		}
		if len(page) == 0 {
			return j.CheckFence(ctx)
		}
	}
}

// renew writes the fence of a node that was not forgotten meanwhile.
func renew(tx *store.Tx, node string) error {
	f, ok, err := records.Fences.Get(tx, node)
	if err != nil || !ok {
		return err
	}
	return records.Fences.Put(tx, node, f)
}
