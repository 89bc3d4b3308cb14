package policy

import "math/bits"

// maxWork limits the cost of comparing resources and conditions in one decision, in units of about one
// nanosecond. Ordinary documents need a hundredth of it. A step that exceeds the limit is not taken and its
// outcome is unclear: an Allow does not allow, and a Deny denies. Principals and actions are not counted,
// because comparing them costs little more than reading the documents once.
const maxWork = 1_600_000

// quickWork limits the cost of a decision that does not wait for its turn.
const quickWork = 25_000

// The costs of steps, in units of about one nanosecond, measured with the policies of package hostile.
const (
	askCost    = 300 // get the values of a condition key
	foldCost   = 20  // fold a byte
	decodeCost = 3   // parse a byte of a number or of base64
	parseCost  = 400 // parse a number, an address, or a date in one form
	netCost    = 6   // compare an address with a range
	buildCost  = 60  // lay out a word of places
	closeCost  = 4   // copy and lay out a byte of a pattern
)

// spend reports whether a step of this cost is within the limit, and counts it. A step that is not must not be
// taken; cheaper steps may follow.
func (e *evaluation) spend(cost int) bool {
	if e == nil {
		return true // an action is compared
	}
	if cost > maxWork-e.withheld-e.work {
		e.short = true
		return false
	}
	e.work += cost
	return true
}

// cost returns the maximum cost of matching a text of length bytes, without the patterns that have variables.
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

// cost returns the maximum cost of matching a text of length bytes.
func (a *automaton) cost(length int) int {
	if a.words == 1 {
		return 10 + 3*length
	}
	return 100 + length*(4+a.words)
}

// cost returns the maximum cost of comparing a value of length bytes, without the patterns that have variables.
func (w *operands) cost(o *operator, length int) int {
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
