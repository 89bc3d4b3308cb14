package nodes

import (
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/records"
)

// A census is what this node knows of the other nodes. It judges them by the monotonic clock of this
// node, and not by the times that they write.
type census struct {
	timing Timing
	others map[string]*member
	last   time.Time // of the last look
}

// A member is another node, as this node sees it.
type member struct {
	records.Node
	serving bool          // the node has a confirmation, so it may answer requests
	silent  time.Duration // since its last heartbeat, as far as this node has looked
	timed   int64         // the heartbeat by which the clocks were compared, or 0
	ahead   time.Duration // the wall clock of the node, compared with the clock of this node
}

// look adds what the store shows of the other nodes at a time. beating has the wall times at which the feed
// has told heartbeats, by which the clocks are compared.
//
// Only time during which this node looked counts as silence of others. A node that was paused, or that
// had no connection to the store, has not heard what the others said in that time.
func (c *census) look(
	now time.Time, seen map[string]records.Node, serving map[string]bool, beating map[string]time.Time,
) {
	gap := max(0, min(now.Sub(c.last), 2*c.timing.Beat))
	if c.last.IsZero() {
		gap = 0
	}
	c.last = now
	for id := range c.others {
		if _, ok := seen[id]; !ok {
			delete(c.others, id)
		}
	}
	for id, n := range seen {
		m, known := c.others[id]
		if !known {
			m = &member{Node: n}
			c.others[id] = m
		}
		switch {
		case m.Incarnation != n.Incarnation || m.Beat != n.Beat:
			m.silent = 0
		case known:
			m.silent += gap
		}
		if told, ok := beating[id]; ok && m.timed != n.Beat {
			m.timed, m.ahead = n.Beat, n.Time.Sub(told)
		}
		m.Node, m.serving = n, serving[id]
	}
}

// dead reports whether a node that may answer requests is silent for too long.
func (c *census) dead(m *member) bool { return m.serving && m.silent > c.timing.Silence }

// live returns the IDs of the other nodes that serve and are not dead, sorted.
func (c *census) live() (ids []string) {
	for id, m := range c.others {
		if m.serving && !c.dead(m) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// skew returns how far the clock of this node is ahead of the median of the others, and how many others
// were compared.
func (c *census) skew() (ahead time.Duration, others int) {
	var all []time.Duration
	for _, m := range c.others {
		if m.timed > 0 && m.serving && !c.dead(m) {
			all = append(all, -m.ahead)
		}
	}
	return median(all), len(all)
}

// median returns the median of some durations, or 0. Of two values in the middle it returns the one that
// is closer to 0: the clock of this node is right if it agrees with one of two others.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	lower, upper := all[(len(all)-1)/2], all[len(all)/2]
	if lower.Abs() < upper.Abs() {
		return lower
	}
	return upper
}
