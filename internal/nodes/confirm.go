package nodes

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A confirmer writes the confirmations of this node, one at a time.
type confirmer struct {
	wanted atomic.Int64 // the revision that others wait for
	due    chan struct{}
	from   time.Time // no confirmation before this time
}

// want asks for a confirmation of a revision.
func (c *confirmer) want(rev int64) {
	for {
		old := c.wanted.Load()
		if rev <= old || c.wanted.CompareAndSwap(old, rev) {
			break
		}
	}
	select {
	case c.due <- struct{}{}:
	default:
	}
}

// changed is told by the feed what a revision has changed.
func (n *Nodes) changed(rev int64, paths []string) {
	if !n.listens.Load() {
		return
	}
	c := sort(paths, n.id)
	if c.fence {
		n.checkFence()
	}
	if c.confirm {
		n.confirmer.want(rev)
	}
	if c.members || c.confirmed {
		n.view.note(c.members, c.beating, n.Wall())
	}
}

// checkFence looks at the fence of this node. The feed waits meanwhile, so that the memory of a node that
// is fenced is not taken for fresh.
func (n *Nodes) checkFence() {
	for n.life.Err() == nil {
		err := n.Journal.CheckFence(n.life)
		if err == nil || n.Journal.Fenced() != nil {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-n.life.Done():
		}
	}
}

// A change is what a change of the store means for a node.
type change struct {
	fence     bool // the fence of the node was written
	confirm   bool // others wait for the confirmation of the node
	members   bool // heartbeats
	confirmed bool // confirmations
	beating   []string
}

// sort finds out what a change of some paths means for a node. Without paths, anything may have changed.
//
// Somebody waits if the change has an event: the node that made the change, and nodes whose answers depend on the
// change. A node confirms neither the removal of events nor changes of the records of this package: a confirmation
// would cause the next one.
func sort(paths []string, node string) (c change) {
	if paths == nil {
		return change{true, true, true, true, nil}
	}
	event, other := false, false
	for _, path := range paths {
		table, rest, _ := strings.Cut(path, "/")
		switch table {
		case records.Outbox.Prefix:
			event = true
		case records.Fences.Prefix:
			c.fence = c.fence || rest == node
		case records.Nodes.Prefix:
			c.members, c.beating = true, append(c.beating, rest)
		case records.Confirmations.Prefix:
			c.confirmed = true
		case records.Erasures.Prefix, records.Levels.Prefix:
		default:
			other = true
		}
	}
	c.confirm = event && other
	return c
}

// confirm writes the confirmations that others wait for.
func (n *Nodes) confirm() {
	early := time.NewTimer(time.Until(n.confirmer.from))
	defer early.Stop()
	select {
	case <-early.C:
	case <-n.life.Done():
		return
	}
	for {
		select {
		case <-n.confirmer.due:
		case <-n.life.Done():
			return
		}
		for n.life.Err() == nil && n.Journal.Fenced() == nil {
			ctx, cancel := context.WithTimeout(n.life, n.Timing.Beat)
			err := n.confirmOnce(ctx)
			cancel()
			if err == nil || errors.Is(err, journal.ErrFenced) {
				break
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-n.life.Done():
			}
		}
	}
}

// confirmOnce writes one confirmation, of everything that the memory of this process has dropped.
func (n *Nodes) confirmOnce(ctx context.Context) error {
	if err := n.Store.AwaitTold(ctx, n.confirmer.wanted.Load()); err != nil {
		return err
	}
	told := n.Store.Told()
	return n.Store.Update(ctx, func(tx *store.Tx) error {
		if err := n.Journal.HoldFence(tx); err != nil {
			return err
		}
		c, ok, err := records.Confirmations.Get(tx, n.id)
		switch {
		case err != nil || c.Revision >= told:
			return err
		case !ok || c.Incarnation != n.Journal.Incarnation():
			return n.Journal.Stop(ErrRewound)
		}
		c.Revision = told
		return records.Confirmations.Put(tx, n.id, c)
	})
}
