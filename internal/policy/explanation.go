package policy

import "github.com/keyhold/keyhold/internal/key"

// An Explanation is a decision together with its reasons.
type Explanation struct {
	Decision
	Documents []ExplainedDocument // in the order of evaluation
	Grants    []ExplainedGrant    // empty after an explicit deny
}

// An ExplainedDocument is the result of a document.
type ExplainedDocument struct {
	Role       Role
	Name       string
	Statements []ExplainedStatement
}

// An ExplainedStatement is the result of a statement.
type ExplainedStatement struct {
	Sid          string
	Index        int
	Line, Column int
	Effect       string // Allow or Deny
	Matched      bool
	Missed       string               // first element that does not match, such as "NotAction"
	Conditions   []ExplainedCondition // all conditions, if all other elements match
}

// An ExplainedCondition is the result of a condition.
type ExplainedCondition struct {
	Operator, Key string
	Wanted        []string // values in the policy
	Seen          []string // values in the request; none if the key is absent
	Held          bool
	Problem       string // why the outcome is unclear, in which case the statement denies and does not allow
}

// An ExplainedGrant is the result of a grant.
type ExplainedGrant struct {
	ID      string
	Allowed bool
	Missed  string // part that does not match: "GranteePrincipal", "Operations", a constraint, or "CreateGrant"
}

// Explain decides a request like Decide and reports how.
func Explain(r Request, d Documents, grants []key.Grant) Explanation {
	t := &tracer{}
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string), action: string(appendLower(nil, r.Action)),
		trace: t}
	t.to.Decision = e.decide()
	return t.to
}
