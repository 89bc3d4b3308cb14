package policy

// An outcome is whether a part of a statement matches a request.
type outcome uint8

const (
	no outcome = iota
	yes
	unclear // nobody can tell: does not allow, and does deny
)

func answer(is bool) outcome {
	if is {
		return yes
	}
	return no
}

// not is the outcome of a negated operator.
func (o outcome) not() outcome {
	switch o {
	case no:
		return yes
	case yes:
		return no
	}
	return unclear
}

// A reach is how far an Allow of a resource's policy, or of a grant, goes for a
// principal. Source: "Policy evaluation logic", "Resource-based policies and
// implicit denies in other policy types (same account)".
type reach uint8

const (
	none      reach = iota
	delegated       // to the account, whose own policies have to allow as well
	limited         // by the permissions boundary and the session policies
	toUser          // by the session policies alone
	direct          // by nothing
)
