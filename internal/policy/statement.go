package policy

// A statement is a compiled statement of a policy.
type statement struct {
	sid          string
	index        int // starting from 0
	line, column int // position of its {
	deny         bool
	idle         string // missing element without which the statement has no effect, or ""

	principals   principals
	notPrincipal bool
	byARN        bool // it has a condition on aws:PrincipalArn

	actions     patterns // in lower case
	notAction   bool
	resources   patterns
	notResource bool
	conditions  []condition
}

// matches returns the reach of the statement for the request, or none if it does not match.
func (s *statement) matches(t Type, e *evaluation) reach {
	to, missed := s.concerns(t, e)
	if missed == "" && !s.conditionsHold(e) {
		to, missed = none, "Condition"
	}
	e.trace.statement(s, missed)
	return to
}

// concerns returns the reach of the statement if its conditions hold, or the name of the first element that
// does not match.
func (s *statement) concerns(t Type, e *evaluation) (to reach, missed string) {
	to = s.reach(t, e)
	switch {
	case s.idle != "":
		return none, s.idle
	case to == none:
		return none, element("Principal", s.notPrincipal)
	case !s.isAbout(e.action):
		return none, element("Action", s.notAction)
	case t != TrustPolicy && !s.covers(e):
		return none, element("Resource", s.notResource)
	}
	return to, ""
}

// isAbout reports whether the statement applies to the action. Actions have no variables.
func (s *statement) isAbout(action string) bool {
	return (s.actions.match(action, nil) == yes) != s.notAction
}

// reach returns the reach of the statement for the principal.
func (s *statement) reach(t Type, e *evaluation) reach {
	p := &e.request.Principal
	switch {
	case t == IdentityPolicy:
		return direct
	case !s.notPrincipal:
		return s.principals.reach(p, s.byARN)
	case e.docs.Boundary.Policy != nil && p.hasPolicies():
		// "AWS JSON policy elements: NotPrincipal": with Deny it "will always
		// deny any IAM principal that has a permissions boundary policy attached,
		// regardless of the values specified in the NotPrincipal element"
		return direct
	case s.principals.excepts(p):
		return none
	}
	return direct
}

// covers reports whether the statement applies to the resource.
func (s *statement) covers(e *evaluation) bool {
	is := s.resources.match(e.request.Resource, e)
	if is == unclear {
		return s.deny
	}
	return (is == yes) != s.notResource
}

// conditionsHold reports whether all conditions hold. It evaluates all of them in any case, so that the cost
// does not depend on whether the decision is explained. If one of them is unclear, the statement denies and
// does not allow.
func (s *statement) conditionsHold(e *evaluation) bool {
	all := yes
	for i := range s.conditions {
		switch s.conditions[i].holds(e) {
		case unclear:
			all = unclear
		case no:
			if all == yes {
				all = no
			}
		}
	}
	return all == yes || all == unclear && s.deny
}

func element(name string, negated bool) string {
	if negated {
		return "Not" + name
	}
	return name
}
