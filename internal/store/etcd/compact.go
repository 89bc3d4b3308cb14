package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"github.com/keyhold/keyhold/internal/store/engine"
)

// The compactor of each node removes revisions that are older than keep, in steps of keep/12. Several nodes may
// do so at once. It removes no revision that a View of this process reads, or that the hold of another process
// protects. A View that runs for keep/6 gets a hold, so the hold exists long before keep has passed.
type compactor struct {
	b    *Backend
	log  *slog.Logger
	hold hold
	ages engine.Ages
	done int64 // revision of the last compaction
}

func newCompactor(b *Backend, keep time.Duration, log *slog.Logger) *compactor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &compactor{b: b, log: log, hold: newHold(), ages: engine.Ages{Keep: keep}}
}

// run compacts until ctx ends.
func (c *compactor) run(ctx context.Context) {
	ticker := time.NewTicker(c.ages.Keep / 12)
	defer ticker.Stop()
	for {
		if err := c.step(ctx); err != nil && ctx.Err() == nil {
			c.report(err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			c.hold.release(c.b)
			return
		}
	}
}

// report reports a failure. etcd 3.7 allows compaction only to users with the role root.
func (c *compactor) report(err error) {
	const text = "The history of the store on etcd could not be compacted. Old revisions, also of erased secrets, " +
		"stay in the cluster until a compaction succeeds."
	if codeOf(err) == codes.PermissionDenied {
		err = fmt.Errorf("%w: let etcd compact (--auto-compaction-retention=2h) and add compaction=off to the URL of "+
			"the store, or give its user the role root", err)
	}
	c.log.Error(text, "error", err)
}

func (c *compactor) step(ctx context.Context) error {
	rev, err := c.b.asker.Ask(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	c.ages.Note(rev, now)
	if err := c.hold.renew(ctx, c.b, c.b.views.Oldest(now.Add(-c.ages.Keep/6)), c.ages.Keep/2); err != nil {
		return err
	}
	target := c.ages.Due(now)
	if target <= c.done {
		return nil
	}
	held, err := c.b.held(ctx)
	if err != nil {
		return err
	}
	if target = engine.Lower(engine.Lower(target, held), c.b.views.Oldest(now.Add(time.Hour))); target <= c.done {
		return nil
	}
	if err := c.b.removeBefore(ctx, target); err != nil {
		return err
	}
	c.done = target
	return nil
}

// removeBefore removes the revisions before rev. A newer compaction, of another node, is as good.
func (b *Backend) removeBefore(ctx context.Context, rev int64) error {
	member, _ := b.members.now()
	_, kv, err := member.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if _, err = kv.Compact(ctx, rev); errors.Is(err, rpctypes.ErrCompacted) {
		return nil
	}
	return err
}

// held returns the lowest revision that a hold protects, or 0.
func (b *Backend) held(ctx context.Context) (rev int64, err error) {
	got, err := b.read(ctx, clientv3.OpGet(b.names.hold(""), clientv3.WithRange(b.names.holdsEnd())))
	if err != nil {
		return 0, err
	}
	for _, kv := range got.Get().Kvs {
		held, err := strconv.ParseInt(string(kv.Value), 10, 64)
		if err != nil {
			return 0, err
		}
		rev = engine.Lower(rev, held)
	}
	return rev, nil
}
