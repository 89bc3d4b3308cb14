// Package naive is a second implementation of decisions, for tests only. It was written from the pages of the
// public documentation to be obvious rather than fast, and shares no code with the engine that it is compared
// with. Each call interprets the JSON of the documents again. The documents must be well-formed, because the
// package does not check them.
//
// Comments name pages of the IAM User Guide or, where stated, of the KMS Developer Guide.
package naive

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// Texts are the documents for a request, as JSON. "" means no document.
type Texts struct {
	Resource   string
	ResourceIs string // "key" or "trust": the kind of policy in Resource
	Identity   []string
	Boundary   string
	Session    []string
}

// Decide returns whether a request is allowed, and whether a statement denies it explicitly.
func Decide(r policy.Request, t Texts, grants []key.Grant) (allowed, explicitDeny bool) {
	t = t.of(r.Principal)
	if denied(r, t) {
		return false, true
	}
	return permitted(r, t, grants), false
}

// of removes the documents that the principal cannot have: "Permissions boundaries for IAM entities" and
// "Session policies" apply to users and roles. A principal with a web identity token is neither before it
// assumes the role.
func (t Texts) of(p policy.Principal) Texts {
	if p.Kind == policy.User || p.Kind == policy.AssumedRole {
		return t
	}
	return Texts{Resource: t.Resource, ResourceIs: t.ResourceIs}
}

// denied reports whether any document denies the request: "an explicit deny overrides an explicit allow" ("How
// AWS enforcement code logic evaluates requests").
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

// permitted reports whether a request that no statement denies is allowed.
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

// suffices reports whether a principal of the owner's account may do what the resource's policy or a grant
// allows in this way.
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

// byIdentity reports whether the principal's own policies allow the request: the intersection of identity-based
// policies, boundary and session policies ("Policy evaluation logic"). The root of an account has none and
// needs none.
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
