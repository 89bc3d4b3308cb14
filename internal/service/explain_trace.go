package service

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// maxExplainedGrants is the number of grants that an explanation lists although they do not
// allow the action.
const maxExplainedGrants = 100

// A trace records how the gate reaches its decisions. A nil trace records nothing.
type trace struct {
	answers []answer // the asks that a decision was made about
	next    answer
}

// An answer is what came of an ask, and why.
type answer struct {
	action string
	target target
	key    key.Key // zero if the ask is about none, or about one that is missing
	err    error   // what the caller is told; nil if it is allowed

	// open is the decision with the policy of the key and its grants; nil where
	// there is no key, or the policy has no say.
	open *policy.Explanation
	// blind is the decision by the principal's own policies about the name in the request. A
	// caller who may not see the key gets the answer of this decision.
	blind  *policy.Explanation
	grants int // how many were examined
}

// explain decides, and writes down how. The policies of one ask are read once, and
// then its grants, some at a time.
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

// appendGrants appends what allows, and of the others as many as have room.
func appendGrants(to, grants []policy.ExplainedGrant) []policy.ExplainedGrant {
	for _, g := range grants {
		if g.Allowed || len(to) < maxExplainedGrants {
			to = append(to, g)
		}
	}
	return to
}

// endAsk keeps the explanation of an ask, if something was decided.
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

// decisive is the explanation of the decision itself.
func (a *answer) decisive() *policy.Explanation {
	if a.open != nil {
		return a.open
	}
	return a.blind
}
