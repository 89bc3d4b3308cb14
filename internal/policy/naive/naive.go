// Package naive decides requests a second time, for tests alone: it is written
// from the pages of the public documentation, to be obvious rather than fast,
// and shares no code with the engine that it is compared with. It interprets the
// JSON of the documents anew at each call. It does not check them: it is given
// documents that are well-formed.
//
// The comments name the pages of the IAM User Guide, and of the KMS Developer
// Guide where they say so.
package naive

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// Texts are the documents that a request is held against, as JSON; "" is none.
type Texts struct {
	Resource   string
	ResourceIs string // "key" or "trust": what Resource is the policy of
	Identity   []string
	Boundary   string
	Session    []string
}

// Decide answers a request: whether it is allowed, and whether it is denied by a
// statement that says so.
func Decide(r policy.Request, t Texts, grants []key.Grant) (allowed, explicitDeny bool) {
	t = t.of(r.Principal)
	if denied(r, t) {
		return false, true
	}
	return permitted(r, t, grants), false
}

// of leaves out the documents that the principal cannot have: "Permissions
// boundaries for IAM entities" and "Session policies" know users and roles, and
// somebody with a token is neither before the role is assumed.
func (t Texts) of(p policy.Principal) Texts {
	if p.Kind == policy.User || p.Kind == policy.AssumedRole {
		return t
	}
	return Texts{Resource: t.Resource, ResourceIs: t.ResourceIs}
}

// denied tells whether any document denies: "an explicit deny overrides an
// explicit allow" ("How AWS enforcement code logic evaluates requests").
func denied(r policy.Request, t Texts) bool {
	for _, s := range statements(t.Resource) {
		if s.denies() && s.appliesToPrincipal(r, t) && s.matches(r, t.ResourceIs) {
			return true
		}
	}
	for _, text := range append([]string{t.Boundary}, append(t.Identity, t.Session...)...) {
		for _, s := range statements(text) {
			if s.denies() && s.matches(r, "identity") {
				return true
			}
		}
	}
	return false
}

// permitted tells whether something allows what nothing denies.
func permitted(r policy.Request, t Texts, grants []key.Grant) bool {
	if r.Principal.Kind == policy.WebIdentity {
		return len(waysOfPolicy(r, t)) > 0
	}
	within := r.Principal.Account == r.Owner
	if t.Resource == "" {
		return within && byIdentity(r, t)
	}
	ways := waysOfPolicy(r, t)
	if t.ResourceIs == "key" {
		ways = append(ways, waysOfGrants(r, grants)...)
	}
	if !within {
		// "The request is allowed only if both evaluations return a decision of
		// Allow" ("Cross-account policy evaluation logic").
		return len(ways) > 0 && byIdentity(r, t)
	}
	for _, w := range ways {
		if suffices(w, r, t) {
			return true
		}
	}
	return false
}

// suffices tells whether a principal of the owner's account may do what the
// resource's side allows in this way.
func suffices(w way, r policy.Request, t Texts) bool {
	if r.Principal.Kind == policy.Account {
		return true
	}
	switch w {
	case bySession:
		// "Permissions granted directly to a session are not limited by an implicit
		// deny in an identity-based policy, a permissions boundary, or session
		// policy" ("How AWS enforcement code logic evaluates requests").
		return true
	case byCondition:
		// The same page: "Permissions boundaries and session policies do not limit
		// permissions granted using the aws:PrincipalArn condition key with a wildcard(*)
		// in the Principal element".
		return true
	case byUser:
		// The same page: not limited by an identity-based policy or a boundary.
		return sessionAllows(r, t)
	case byRole, byEverybody:
		// The same page, of the role's ARN: "limited by an implicit deny in a
		// permissions boundary or session policy".
		return boundaryAllows(r, t) && sessionAllows(r, t)
	case byAccount:
		// "Key policies in AWS KMS" (KMS Developer Guide): the account as principal
		// lets IAM policies allow, and allows no user and no role itself.
		return byIdentity(r, t)
	}
	return false
}

// byIdentity tells whether the principal's own policies allow: the intersection of
// identity-based policies, boundary and session policies ("Policy evaluation
// logic"). The root of an account has none and needs none.
func byIdentity(r policy.Request, t Texts) bool {
	if r.Principal.Kind == policy.Account {
		return true
	}
	return anyAllows(r, t.Identity) && boundaryAllows(r, t) && sessionAllows(r, t)
}

func boundaryAllows(r policy.Request, t Texts) bool {
	return t.Boundary == "" || anyAllows(r, []string{t.Boundary})
}

func sessionAllows(r policy.Request, t Texts) bool {
	return len(t.Session) == 0 || anyAllows(r, t.Session)
}

func anyAllows(r policy.Request, texts []string) bool {
	for _, text := range texts {
		for _, s := range statements(text) {
			if s.allows() && s.matches(r, "identity") {
				return true
			}
		}
	}
	return false
}
