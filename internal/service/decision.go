package service

import (
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// A Decision is what the policies answer, and why.
type Decision struct {
	Allowed bool
	Reason  string // continues "…is not authorized to perform: ACTION on resource: ARN because"
}

// decide tells whether the principal may act on what belongs to the account.
// Every key policy counts as the default one, which gives the key's account
// everything: so its root may, on what is its own, and nobody else may.
func decide(p identity.Principal, account string) Decision {
	switch {
	case p.Kind != identity.KindAccount || p.Session != nil && p.Session.IsLimited():
		return Decision{Reason: "no identity-based policy allows the %s action"}
	case p.AccountID == account:
		return Decision{Allowed: true}
	}
	return Decision{Reason: "no resource-based policy allows the %s action"}
}

// notAuthorized says who may not do what on which resource.
func notAuthorized(p identity.Principal, action, resource, reason string) error {
	return key.Errorf(key.KindAccessDenied, "User: %s is not authorized to perform: %s on resource: %s because %s", p.ARN, action, resource, reason)
}
