package nodes

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// maxNodes is the number of nodes that a deployment can have.
const maxNodes = 1000

// A view is what this node has read last of the other nodes.
type view struct {
	mu     sync.Mutex
	census census
	rev    int64            // of the confirmations
	others map[string]int64 // confirmed revisions of the other nodes
	news   chan struct{}    // closed when rev and others change
	// confirmed is a revision that every other node has confirmed. Nodes that join later have a newer memory.
	confirmed atomic.Int64
	due       chan struct{}        // signals that a look is needed
	members   bool                 // the look must read the heartbeats too
	beating   map[string]time.Time // wall times of the heartbeats that the feed has told since the last look
}

func (v *view) init(t Timing) {
	v.census = census{timing: t, others: map[string]*member{}}
	v.news, v.due, v.beating = make(chan struct{}), make(chan struct{}, 1), map[string]time.Time{}
}

// note asks for a look. The feed has told heartbeats of the nodes in beating at a wall time.
func (v *view) note(members bool, beating []string, wall time.Time) {
	v.mu.Lock()
	v.members = v.members || members
	for _, id := range beating {
		v.beating[id] = wall
	}
	v.mu.Unlock()
	select {
	case v.due <- struct{}{}:
	default:
	}
}

// take returns what the next look must read.
func (v *view) take() (members bool, beating map[string]time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	members, beating = v.members, v.beating
	v.members, v.beating = false, map[string]time.Time{}
	return members, beating
}

// missing reports whether another node has not confirmed a revision, as far as the last look shows. It
// returns a channel that is closed by the next look, and whether the last look is too old to tell.
func (v *view) missing(rev int64) (missing bool, news <-chan struct{}, old bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.rev < rev {
		return true, v.news, true
	}
	for _, confirmed := range v.others {
		missing = missing || confirmed < rev
	}
	return missing, v.news, false
}

// Await returns when no node, this one included, answers from a memory that is older than the records that were read:
// each node has confirmed the newest revision that changed them, or the bound has passed since a time, which is not
// before the read. It reports whether it had to wait, and returns an error only if ctx ends before.
func (n *Nodes) Await(ctx context.Context, read store.Reads, since time.Time) (waited bool, err error) {
	if !read.HasGaps() && n.isConfirmed(read.Written()) {
		return false, nil
	}
	bounded, cancel := context.WithDeadline(ctx, since.Add(n.Timing.Bound))
	defer cancel()
	rev, err := n.Store.NewestOf(bounded, read)
	if err == nil && n.isConfirmed(rev) {
		return false, nil
	}
	if err == nil {
		err = n.await(bounded, rev)
	}
	if err != nil && ctx.Err() == nil {
		err = nil // the bound has passed
	}
	return true, err
}

// isConfirmed reports whether it is known that no node answers from a memory that is older than a revision. A former
// process of this node may have such a memory until the bound after the start has passed.
func (n *Nodes) isConfirmed(rev int64) bool {
	now := time.Now()
	return rev <= n.view.confirmed.Load() && rev <= n.Store.Told() && !now.Before(n.confirmer.from) ||
		rev <= n.Store.CommittedBefore(now.Add(-n.Timing.Bound))
}

// await waits until each node has confirmed a revision.
func (n *Nodes) await(ctx context.Context, rev int64) error {
	former := time.NewTimer(time.Until(n.confirmer.from))
	defer former.Stop()
	select {
	case <-former.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := n.Store.AwaitTold(ctx, rev); err != nil {
		return err
	}
	for {
		missing, news, old := n.view.missing(rev)
		if !missing {
			return nil
		}
		if old {
			n.view.note(false, nil, time.Time{})
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch looks at the other nodes whenever the feed tells something of them, and at least with each beat.
func (n *Nodes) watch() {
	tick := time.NewTicker(n.Timing.Beat)
	defer tick.Stop()
	for {
		members, beating := false, map[string]time.Time(nil)
		select {
		case <-tick.C:
			members = true
		case <-n.view.due:
			members, beating = n.view.take()
		case <-n.life.Done():
			return
		}
		ctx, cancel := context.WithTimeout(n.life, n.Timing.Beat)
		if err := n.look(ctx, members, beating); err != nil && n.life.Err() == nil {
			n.Log.Debug("the other nodes were not read", "error", err)
		}
		cancel()
	}
}

// look reads the confirmations of the other nodes and, if members is set, their heartbeats.
func (n *Nodes) look(ctx context.Context, members bool, beating map[string]time.Time) error {
	var confirmed []store.Record[records.Confirmation]
	var all []store.Record[records.Node]
	var rev, level int64
	err := n.Store.View(ctx, func(v *store.View) (err error) {
		rev = v.Rev()
		if confirmed, err = records.Confirmations.Scan(v, "", "", maxNodes); err != nil || !members {
			return err
		}
		if level, err = levelOf(v); err == nil {
			all, err = records.Nodes.Scan(v, "", "", maxNodes)
		}
		return err
	})
	if err != nil {
		return err
	}
	n.view.set(n.id, rev, confirmed)
	if members {
		n.level.Store(level)
		n.judge(all, confirmed, beating)
	}
	return nil
}

// set notes the confirmations at a revision.
func (v *view) set(self string, rev int64, confirmed []store.Record[records.Confirmation]) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if rev < v.rev {
		return
	}
	v.rev, v.others = rev, map[string]int64{}
	least := rev
	for _, r := range confirmed {
		if r.Path != self {
			v.others[r.Path] = r.Value.Revision
			least = min(least, r.Value.Revision)
		}
	}
	v.confirmed.Store(max(least, v.confirmed.Load()))
	close(v.news)
	v.news = make(chan struct{})
}
