package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/store/engine"
)

const (
	compactRows = 10_000           // that one transaction deletes
	forgotten   = 10 * time.Minute // until the beat of a process that has ended is deleted
)

// The compactor of each process removes versions of records that are older than keep, in steps of keep/12. Several
// processes may do so at once. It removes no version that a running View of any process reads: the beat of a process
// has the oldest revision that its Views read.
type compactor struct {
	b      *Backend
	ages   engine.Ages
	erased atomic.Bool // a slot was erased since the last vacuum
}

// run compacts until ctx ends.
func (c *compactor) run(ctx context.Context) {
	ticker := time.NewTicker(c.ages.Keep / 12)
	defer ticker.Stop()
	for {
		if err := c.step(ctx); err != nil && ctx.Err() == nil {
			c.b.log.Error("The history of the store on PostgreSQL could not be compacted. Old versions of records stay in "+
				"the database until a compaction succeeds.", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *compactor) step(ctx context.Context) error {
	p, err := c.b.asker.Ask(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	c.ages.Note(p.rev, now)
	if err := c.vacuumSlots(ctx); err != nil {
		return err
	}
	target := engine.Lower(c.ages.Due(now), c.b.views.Oldest(now.Add(time.Hour)))
	if target == 0 {
		return nil
	}
	return c.removeBefore(ctx, target)
}

// Statements of a compaction. A reader looks at the floor in the snapshot of its read, so the floor is raised before
// anything is deleted. The change of the floor itself stays, because it shows which history the floor belongs to.
const (
	raiseFloor = `UPDATE $.floor SET rev = greatest(rev, least($1::bigint,
		(SELECT min(held) FROM $.beats WHERE at > now() - $2::interval)))`
	deleteVersions = `DELETE FROM $.history WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM $.history WHERE until <= (SELECT rev FROM $.floor) LIMIT $1::int))`
	deleteChanges = `DELETE FROM $.changes WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM $.changes WHERE rev < (SELECT rev FROM $.floor) LIMIT $1::int))`
	deleteBeats = `DELETE FROM $.beats WHERE at < now() - $1::interval`
)

// removeBefore removes what only Views before a revision see, and the beats of processes that have ended.
func (c *compactor) removeBefore(ctx context.Context, rev int64) error {
	if _, err := c.b.exec(ctx, raiseFloor, rev, forgotten); err != nil {
		return err
	}
	for _, text := range []string{deleteVersions, deleteChanges} {
		for {
			n, err := c.b.exec(ctx, text, compactRows)
			if err != nil {
				return err
			}
			if n < compactRows {
				break
			}
		}
	}
	_, err := c.b.exec(ctx, deleteBeats, forgotten)
	return err
}

// vacuumSlots removes erased secrets from the pages of the slots, as far as VACUUM does that.
func (c *compactor) vacuumSlots(ctx context.Context) error {
	if !c.erased.Swap(false) {
		return nil
	}
	_, err := c.b.exec(ctx, `VACUUM $.slots`)
	if err != nil {
		c.erased.Store(true)
	}
	return err
}

// exec runs a statement, and returns the number of its rows.
func (b *Backend) exec(ctx context.Context, text string, args ...any) (int64, error) {
	bounded, cancel := context.WithTimeout(ctx, 10*b.timeout)
	defer cancel()
	tag, err := b.pool.Exec(bounded, b.in(text), args...)
	if err != nil {
		return 0, ctxOr(ctx, refusal(err))
	}
	return tag.RowsAffected(), nil
}
