package naive

import (
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/policy"
)

// A way is how the policy of a resource, or a grant, names the principal that it allows.
type way string

const (
	byAccount   way = "account"
	byUser      way = "user"
	byRole      way = "role"
	bySession   way = "session"
	byProvider  way = "provider" // provider of the token of a WebIdentity
	byEverybody way = "everybody"
	byCondition way = "everybody on whom a condition holds"
)

// waysOfPolicy returns the ways in which the resource's policy allows the request.
func waysOfPolicy(r policy.Request, t Texts) []way {
	var ways []way
	for _, s := range statements(t.Resource) {
		if s.allows() && s.matches(r, t.ResourceIs) {
			ways = append(ways, s.addCondition(s.ways(r, t))...)
		}
	}
	return ways
}

// addCondition adds byCondition if the statement names everybody and has a condition on the ARN of the principal.
func (s statement) addCondition(ways []way) []way {
	block, _ := s.elements["Condition"].(map[string]any)
	for text, keys := range block {
		o := operatorOf(text)
		if o.negated || o.ifExists || o.set == "forallvalues" || o.name == "null" {
			continue // also holds for other principals
		}
		for name := range keys.(map[string]any) {
			if strings.EqualFold(name, "aws:PrincipalArn") && slices.Contains(ways, byEverybody) {
				return append(ways, byCondition)
			}
		}
	}
	return ways
}

// appliesToPrincipal reports whether the statement names the principal in any way. A statement about an account
// applies to every principal of the account.
func (s statement) appliesToPrincipal(r policy.Request, t Texts) bool {
	return len(s.ways(r, t)) > 0
}

// ways returns how the statement names the principal, or none if it does not.
func (s statement) ways(r policy.Request, t Texts) []way {
	if element, ok := s.elements["Principal"]; ok {
		return waysOfElement(element, r.Principal)
	}
	if element, ok := s.elements["NotPrincipal"]; ok && !s.spares(element, r, t) {
		return []way{byEverybody}
	}
	return nil
}

// waysOfElement returns the ways in which a Principal element names the principal ("AWS JSON policy elements:
// Principal"). "*" and {"AWS": "*"} are equivalent.
func waysOfElement(element any, p policy.Principal) []way {
	if element == "*" {
		return []way{byEverybody}
	}
	var ways []way
	for kind, values := range element.(map[string]any) {
		for _, value := range list(values) {
			if w, ok := wayOfEntry(kind, value, p); ok {
				ways = append(ways, w)
			}
		}
	}
	return ways
}

func wayOfEntry(kind, value string, p policy.Principal) (way, bool) {
	web := p.Kind == policy.WebIdentity
	switch {
	case kind == "AWS" && value == "*":
		return byEverybody, true
	case kind == "AWS" && !web:
		return nameOf(value, p)
	case kind == "Federated" && web && value == p.ARN:
		return byProvider, true
	}
	return "", false
}

// nameOf reports whether an ARN or account ID names the principal, the role of its session, or its account:
// "The account ARN and the shortened account ID behave the same way" ("AWS JSON policy elements: Principal").
func nameOf(value string, p policy.Principal) (way, bool) {
	switch {
	case value == p.Account || value == "arn:aws:iam::"+p.Account+":root":
		return byAccount, true
	case p.Kind == policy.User && value == p.ARN:
		return byUser, true
	case p.Kind == policy.AssumedRole && value == p.ARN:
		return bySession, true
	case p.Kind == policy.AssumedRole && value == p.RoleARN:
		return byRole, true
	}
	return "", false
}

// spares reports whether a NotPrincipal element exempts the principal ("AWS JSON policy elements:
// NotPrincipal").
//
// "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions
// boundary policy attached, regardless of the values specified in the NotPrincipal element."
//
// "You must also specify the account ARN of the not-denied principal. Otherwise, the policy might deny access
// to the entire account." Therefore the element exempts a user only together with the account, and a session
// only if the session or its role is listed together with the account.
func (s statement) spares(element any, r policy.Request, t Texts) bool {
	if s.denies() && t.Boundary != "" {
		return false
	}
	ways := waysOfElement(element, r.Principal)
	has := func(w way) bool { return slices.Contains(ways, w) }
	switch r.Principal.Kind {
	case policy.Account:
		return has(byAccount) || has(byEverybody)
	case policy.WebIdentity:
		return has(byProvider) || has(byEverybody)
	}
	return has(byEverybody) || has(byAccount) && (has(byUser) || has(byRole) || has(bySession))
}
