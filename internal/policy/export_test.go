package policy

import "github.com/keyhold/keyhold/internal/key"

// MaxWork is the bound on the work of a decision.
const MaxWork = maxWork

// Work decides a request and returns how much work it spent.
func Work(r Request, d Documents, grants []key.Grant) int {
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string), action: string(appendLower(nil, r.Action))}
	e.decide()
	return e.work
}
