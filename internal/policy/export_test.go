package policy

import "github.com/keyhold/keyhold/internal/key"

// MaxWork is the work limit of a decision.
const MaxWork = maxWork

// Work decides a request and returns the work that it took.
func Work(r Request, d Documents, grants []key.Grant) int {
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string), action: string(appendLower(nil, r.Action))}
	e.decide()
	return e.work
}
