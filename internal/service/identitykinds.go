package service

import (
	"github.com/keyhold/keyhold/internal/key"
)

// The kinds of identities, by the names that their ARNs have.
const (
	kindAccount  = "account"
	kindUser     = "user"
	kindRole     = "role"
	kindPolicy   = "policy"
	kindProvider = "oidc-provider"
)

func errNoKind(kind string) error {
	return key.Errorf(key.KindValidation, "%q is no kind of identity: give account, oidc-provider, policy, role or user.", kind)
}

// errNoIdentity says that there is none of a name.
func errNoIdentity(kind, name, account string) *key.Error {
	return key.Errorf(key.KindNotFound, "There is no %s %s in account %s.", kind, name, account)
}
