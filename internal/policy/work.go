package policy

import "math/bits"

// maxWork bounds the cost of comparing resources and conditions in one decision, in about
// nanoseconds. Honest documents cost a hundredth of the bound. A step beyond the bound is
// not taken, and its outcome is unclear: an Allow does not allow, and a Deny denies.
// Principals and actions have no bound, because comparing them costs little more than
// reading the documents once.
const maxWork = 2_000_000

// quickWork bounds the cost of a decision that is made at once.
const quickWork = maxWork / 80

// The costs of steps, in about nanoseconds, as measured with the policies of package hostile.
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

// cost returns the most that matching a text of length bytes costs, without the patterns
// that have variables.
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

// cost returns the most that matching a text of length bytes costs.
func (a *automaton) cost(length int) int {
	if a.words == 1 {
		return 10 + 3*length
	}
	return 100 + length*(4+a.words)
}

// cost returns the most that comparing a value of length bytes costs, without the patterns
// that have variables.
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
