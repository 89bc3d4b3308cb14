package service

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// maxExplainedGrants is the maximum number of grants in an explanation that do not allow the
// action.
const maxExplainedGrants = 100

// A trace records how the gate reaches its decisions. A nil trace records nothing.
type trace struct {
	answers []answer // one for each decision
	next    answer
}

// An answer is the result of an ask, and the reasons.
type answer struct {
	action string
	target target
	key    key.Key // zero if the ask has no key, or the key does not exist
	err    error   // the error that the caller gets; nil if the request is allowed

	// open is the decision with the key policy and the grants of the key. It is nil if there is
	// no key, or if the key policy does not matter.
	open *policy.Explanation
	// blind is the decision by the principal's own policies about the name in the request. A
	// caller who may not see the key gets the answer of this decision.
	blind  *policy.Explanation
	grants int // number of grants that the decision examined
}

// explain decides and records the explanation. It reads the policies of an ask once, and then
// its grants in parts.
func (t *trace) explain(r policy.Request, d policy.Documents, grants []key.Grant) policy.Decision {
	e := policy.Explain(r, d, grants)
	n := &t.next
	n.grants += len(grants)
	switch {
	case d.Resource.Policy == nil && n.blind == nil:
		n.blind = &e
	case d.Resource.Policy == nil: // computed for the text of a refusal, not a second decision
	case n.open == nil:
		n.open = &e
	default:
		n.open.Decision = e.Decision
		n.open.Grants = appendGrants(n.open.Grants, e.Grants)
	}
	return e.Decision
}

// appendGrants appends the grants that allow the action, and up to maxExplainedGrants others.
func appendGrants(to, grants []policy.ExplainedGrant) []policy.ExplainedGrant {
	for _, g := range grants {
		if g.Allowed || len(to) < maxExplainedGrants {
			to = append(to, g)
		}
	}
	return to
}

// endAsk keeps the explanation of an ask, if there was a decision.
func (t *trace) endAsk(action string, about target, k key.Key, err error) {
	if t == nil {
		return
	}
	n := t.next
	t.next = answer{}
	if n.open != nil || n.blind != nil {
		n.action, n.target, n.key, n.err = action, about, k, err
		t.answers = append(t.answers, n)
	}
}

// decisive returns the explanation of the decision itself.
func (a *answer) decisive() *policy.Explanation {
	if a.open != nil {
		return a.open
	}
	return a.blind
}
