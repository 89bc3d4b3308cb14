package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
)

// The compactor of each node removes revisions that are older than keep, in steps of keep/12. Several nodes may
// do so at once. It removes no revision that a View of this process reads, or that the hold of another process
// protects. A View that runs for keep/6 gets a hold, so the hold exists long before keep has passed.
type compactor struct {
	b    *Backend
	keep time.Duration
	log  *slog.Logger
	hold hold

	mu      sync.Mutex
	samples []sample
	due     int64 // revision that may be compacted by its age
	done    int64 // revision of the last compaction
}

// A sample is a revision that was the newest one at a time of the monotonic clock.
type sample struct {
	rev int64
	at  time.Time
}

func newCompactor(b *Backend, keep time.Duration, log *slog.Logger) *compactor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &compactor{b: b, keep: keep, log: log, hold: newHold()}
}

// run compacts until ctx ends.
func (c *compactor) run(ctx context.Context) {
	ticker := time.NewTicker(c.keep / 12)
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
	rev, err := c.b.newest(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	c.note(rev, now)
	if err := c.hold.renew(ctx, c.b, c.b.views.oldest(now.Add(-c.keep/6)), c.keep/2); err != nil {
		return err
	}
	target := c.target(now)
	if target <= c.done {
		return nil
	}
	held, err := c.b.held(ctx)
	if err != nil {
		return err
	}
	if target = lower(lower(target, held), c.b.views.oldest(now.Add(time.Hour))); target <= c.done {
		return nil
	}
	if err := c.b.removeBefore(ctx, target); err != nil {
		return err
	}
	c.done = target
	return nil
}

// note adds a sample, unless the last one is nearly as new.
func (c *compactor) note(rev int64, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.samples); n > 0 && (rev <= c.samples[n-1].rev || at.Sub(c.samples[n-1].at) < c.keep/60) {
		return
	}
	c.samples = append(c.samples, sample{rev, at})
}

// target returns the newest revision that was the newest one at least keep ago, or 0. It forgets older samples.
func (c *compactor) target(now time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.samples) > 0 && now.Sub(c.samples[0].at) >= c.keep {
		c.due = c.samples[0].rev
		c.samples = c.samples[1:]
	}
	return c.due
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
		rev = lower(rev, held)
	}
	return rev, nil
}
