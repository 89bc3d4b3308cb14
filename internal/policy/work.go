package policy

import "math/bits"

// maxWork bounds what the resources and conditions of all statements may cost in one
// decision, about in nanoseconds. Honest documents cost a hundredth of it. What goes
// beyond is not done, and its outcome is unclear: an Allow does not allow, and a Deny
// denies. Principals and actions cost little more than to read the documents once, and
// have no bound.
const maxWork = 2_000_000

// quickWork is what a decision costs at most that is made at once.
const quickWork = maxWork / 20

// What things cost, about in nanoseconds, as measured on policies that are made to cost
// the most.
const (
	askCost    = 300 // to ask for the values of a condition key
	foldCost   = 20  // to fold a byte
	decodeCost = 3   // to read a byte of a number or of base64
	parseCost  = 400 // to read a number, an address, or a date in one form
	netCost    = 6   // to hold an address against a range
	buildCost  = 60  // to lay out a word of places
	closeCost  = 4   // to copy and lay out a byte of a pattern
)

// spend reports whether a step of some cost is within the bound. A step that is not must
// not be taken; one that costs less may follow.
func (e *evaluation) spend(cost int) bool {
	if e == nil {
		return true // of an action
	}
	if cost > maxWork-e.withheld-e.work {
		e.short = true
		return false
	}
	e.work += cost
	return true
}

// cost is what it costs at most to match a text of some bytes, but for patterns with
// variables.
func (p *patterns) cost(length int) int {
	cost := 20 + length/16
	if p.exact != nil {
		cost += 20*bits.Len(uint(len(p.exact))) + length/8
	}
	if p.globs != nil {
		cost += p.globs.cost(length)
	}
	if p.closed != nil {
		cost += p.closed.cost(length)
	}
	return cost
}

// cost is what it costs at most to match a text of some bytes.
func (a *automaton) cost(length int) int {
	if a.words == 1 {
		return 10 + 3*length
	}
	return 100 + length*(4+a.words)
}

// cost is what it costs at most to compare a value of some bytes, but for patterns with
// variables.
func (w *wanted) cost(o *operator, length int) int {
	switch o.compares {
	case "folded":
		return 100 + foldCost*length + w.strings.cost(length)
	case "numbers":
		return parseCost + decodeCost*length
	case "dates":
		return 3*parseCost + decodeCost*length
	case "nets":
		return parseCost + decodeCost*min(length, longestAddress) + netCost*len(w.nets)
	case "bytes":
		return 100 + decodeCost*length + w.strings.cost(length)
	}
	return w.strings.cost(length)
}
