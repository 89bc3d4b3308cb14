package nodes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A task is a node that is dead, or that an operator removes.
type task struct {
	node string
	seen records.Node
}

// judge looks at the heartbeats of the other nodes: which of them are alive, whether the wall clock of
// this node agrees with theirs, and what this node must do for a node that is dead or removed.
func (n *Nodes) judge(
	all []store.Record[records.Node], confirmed []store.Record[records.Confirmation],
	beating map[string]time.Time,
) {
	seen, serving := map[string]records.Node{}, map[string]bool{}
	for _, r := range all {
		if r.Path != n.id {
			seen[r.Path] = r.Value
		}
	}
	for _, r := range confirmed {
		serving[r.Path] = true
	}
	n.view.mu.Lock()
	defer n.view.mu.Unlock()
	c := &n.view.census
	c.look(time.Now(), seen, serving, beating)
	live := append(c.live(), n.id)
	slices.Sort(live)
	n.live.Store(&live)
	for id, m := range c.others {
		if t, ok := n.taskOf(id, m); ok {
			select {
			case n.takeovers <- t:
			default: // this node takes over another one; the next look asks again
			}
		}
	}
}

// taskOf returns what this node must do for another one. If the node that is responsible does nothing,
// another one does it.
func (n *Nodes) taskOf(id string, m *member) (task, bool) {
	c := &n.view.census
	removed := m.Removal != nil && !m.serving
	if !c.dead(m) && !removed {
		return task{}, false
	}
	late := m.silent > 2*n.Timing.Silence
	return task{id, m.Node}, late || winner(*n.live.Load(), records.Nodes.Prefix+"/"+id) == n.id
}

// judgeSelf notes whether this node is ready and its clock is trusted. With one other node nobody knows
// whose clock is wrong: both nodes are ready, and both destroy nothing.
func (n *Nodes) judgeSelf(draining bool) {
	n.view.mu.Lock()
	ahead, others := n.view.census.skew()
	n.view.mu.Unlock()
	var clock, ready error
	if ahead.Abs() > n.Timing.Skew {
		clock = fmt.Errorf("the clock of this node is %v ahead of the clocks of %d other nodes: correct the clock",
			ahead.Round(time.Millisecond), others)
	}
	if before := *n.clock.Load(); (before == nil) != (clock == nil) {
		n.Log.Warn("this node destroys nothing while its clock is not trusted", "trusted", clock == nil, "reason", clock)
	}
	if others > 1 {
		ready = clock
	}
	if draining {
		ready = errDraining
	}
	n.clock.Store(&clock)
	n.ready.Store(&ready)
}

// takeOvers takes over the nodes that are dead, one after the other.
func (n *Nodes) takeOvers() {
	for {
		select {
		case t := <-n.takeovers:
			err := n.carryOut(n.life, t)
			switch {
			case err == nil || n.life.Err() != nil || n.Journal.Fenced() != nil:
			case errors.Is(err, journal.ErrTakeoverLost), errors.Is(err, store.ErrConflict), errors.Is(err, errBack):
				n.Log.Debug("a node was not taken over", "node", t.node, "error", err)
			default:
				n.Log.Error("a node was not taken over; the nodes try again", "node", t.node, "error", err)
			}
		case <-n.life.Done():
			return
		}
	}
}

// errBack means that a node has done something since it was found dead.
var errBack = errors.New("the node is back")

// unchanged returns errBack if the node has done something since it was seen.
func (t task) unchanged(tx *store.Tx) error {
	r, _, err := records.Nodes.Get(tx, t.node)
	if err == nil && (r.Incarnation != t.seen.Incarnation || r.Beat != t.seen.Beat) {
		err = errBack
	}
	return err
}

// carryOut fences a node and takes over its events. Then it waits until the node, if it still runs, does
// not answer from its memory any more, so nobody needs to wait for the confirmations of the node.
func (n *Nodes) carryOut(ctx context.Context, t task) error {
	n.Log.Warn("this node takes over another one", "node", t.node, "removed", t.seen.Removal != nil)
	took, err := n.Journal.TakeOver(ctx, t.node, t.unchanged)
	if err != nil {
		return err
	}
	select {
	case <-time.After(n.Timing.Bound):
	case <-ctx.Done():
		return ctx.Err()
	}
	event := Event{Name: "TakeOverNode", Node: t.node}
	if r := t.seen.Removal; r != nil {
		event = Event{"RemoveNode", t.node, r.LoseLog}
	}
	return n.Record(ctx, event, func(tx *store.Tx) error {
		_, serving, err := records.Confirmations.Get(tx, t.node)
		if err = errors.Join(err, took.Hold(tx)); err != nil {
			return err
		}
		if t.seen.Removal == nil {
			if !serving {
				return errBack
			}
			return records.Confirmations.Delete(tx, t.node)
		}
		r, _, err := records.Nodes.Get(tx, t.node)
		if err == nil && (serving || r.Removal == nil) {
			err = errBack
		}
		return errors.Join(err, records.Nodes.Delete(tx, t.node), records.Fences.Delete(tx, t.node))
	})
}
