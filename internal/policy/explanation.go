package policy

import "github.com/keyhold/keyhold/internal/key"

// An Explanation is a decision and how it came about.
type Explanation struct {
	Decision
	Documents []ExplainedDocument // in the order in which they were read
	Grants    []ExplainedGrant    // none if an explicit deny came before
}

// An ExplainedDocument is what came of a document.
type ExplainedDocument struct {
	Role       Role
	Name       string
	Statements []ExplainedStatement
}

// An ExplainedStatement is what came of a statement.
type ExplainedStatement struct {
	Sid          string
	Index        int
	Line, Column int
	Effect       string // Allow or Deny
	Matched      bool
	Missed       string               // the first element that does not match, such as "NotAction"
	Conditions   []ExplainedCondition // all of them, if all other elements match
}

// An ExplainedCondition is what came of a condition.
type ExplainedCondition struct {
	Operator, Key string
	Wanted        []string // the values in the policy
	Seen          []string // the values in the request; none if it lacks the key
	Held          bool
	Problem       string // why nobody can tell whether it holds: the statement denies and does not allow
}

// An ExplainedGrant is what came of a grant.
type ExplainedGrant struct {
	ID      string
	Allowed bool
	Missed  string // what of it does not match: "GranteePrincipal", "Operations", a constraint, "CreateGrant" for a child that allows more
}

// Explain decides a request as Decide does and tells how.
func Explain(r Request, d Documents, grants []key.Grant) Explanation {
	t := &tracer{}
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string), action: string(appendLower(nil, r.Action)), trace: t}
	t.to.Decision = e.decide()
	return t.to
}
