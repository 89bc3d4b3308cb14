package policy

// An outcome states whether a part of a statement matches a request.
type outcome uint8

const (
	no outcome = iota
	yes
	unclear // cannot be determined: does not allow, but denies
)

func answer(is bool) outcome {
	if is {
		return yes
	}
	return no
}

// not returns the outcome of the negated operator.
func (o outcome) not() outcome {
	switch o {
	case no:
		return yes
	case yes:
		return no
	}
	return unclear
}

// A reach is the extent of an Allow of a resource's policy, or of a grant, for a principal. Source: "Policy
// evaluation logic", "Resource-based policies and implicit denies in other policy types (same account)".
type reach uint8

const (
	none      reach = iota
	delegated       // to the account: its own policies must allow the request too
	limited         // limited by the permissions boundary and the session policies
	toUser          // limited by the session policies only
	direct          // not limited
)
