package nodes

import "time"

// A Timing has the times on which the nodes of a deployment rely. All nodes must have the same Timing.
type Timing struct {
	Beat    time.Duration // between two heartbeats of a node
	Silence time.Duration // without a heartbeat, after which a node is taken over
	Bound   time.Duration // after which no node answers from memory that was not confirmed to it
	Skew    time.Duration // by which the wall clock of a node may differ from the clocks of the others
}

// DefaultTiming is the Timing of a server. Bound is the second for which a node trusts its memory, and a
// margin for clocks that run at different speeds.
var DefaultTiming = Timing{
	Beat:    2 * time.Second,
	Silence: 15 * time.Second,
	Bound:   1250 * time.Millisecond,
	Skew:    2 * time.Second,
}
