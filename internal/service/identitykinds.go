package service

import (
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
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

// changeEntity changes what users and roles have in common, of one of them. It knows no
// other kinds.
func changeEntity(tx *store.Tx, account, kind, name string, change func(*identity.Entity)) (known bool, err error) {
	path := records.NamedPath(account, name)
	switch kind {
	case kindUser:
		u, ok, err := records.Users.Get(tx, path)
		if err != nil || !ok {
			return true, firstOf(err, errNoIdentity(kind, name, account))
		}
		change(&u.Entity)
		return true, records.Users.Put(tx, path, u)
	case kindRole:
		r, ok, err := records.Roles.Get(tx, path)
		if err != nil || !ok {
			return true, firstOf(err, errNoIdentity(kind, name, account))
		}
		change(&r.Entity)
		return true, records.Roles.Put(tx, path, r)
	}
	return false, nil
}

// errNoIdentity says that there is none of a name.
func errNoIdentity(kind, name, account string) *key.Error {
	return key.Errorf(key.KindNotFound, "There is no %s %s in account %s.", kind, name, account)
}
