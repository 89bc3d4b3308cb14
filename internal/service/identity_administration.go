package service

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// administrationQuery returns the row of an operation on identities.
func administrationQuery[In, Out any](
	name string, check func(*In, time.Time) error, run func(*call, *In) (*Out, error),
) Operation {
	return query(name, asks{{Action: "keyhold:" + name, On: theIdentity, May: mayAdminister}}, check, run)
}

// administration returns the row of an operation on identities that changes records.
func administration[In, Out any](
	name string, check func(*In, time.Time) error, run func(*call, *In) (*Out, error),
) Operation {
	o := administrationQuery(name, check, run)
	o.ReadOnly, o.onIdentities = false, true
	return o
}

// administrator returns the account whose principals administer the deployment.
func (c *call) administrator() (string, error) { return c.accountOfDeployment(c.source()) }

// accountOfDeployment returns the account of an initialised deployment, or the account of a dev
// server.
func (s *Service) accountOfDeployment(from source) (string, error) {
	d, ok, err := read(from, records.Deployments, records.DeploymentPath)
	if err != nil || ok {
		return d.Account, err
	}
	return s.devAccount, nil
}

// accountOf returns the account that a member names, or the caller's own.
func (c *call) accountOf(member *string) (string, error) {
	account := or(member, c.Caller.Principal.AccountID)
	if !key.ValidAccount(account) {
		return "", key.Errorf(key.KindValidation, "%q is not an account ID: it has 12 digits.", account)
	}
	return account, nil
}

// touch increments the serial number of an account in which something changes. It creates the
// record of the deployment's own account. All other accounts must be declared first.
func (c *call) touch(tx *store.Tx, account string) error {
	a, ok, err := records.Accounts.Get(tx, account)
	if err != nil {
		return err
	}
	if !ok && account != c.Caller.Principal.AccountID {
		return key.Errorf(key.KindNotFound, "There is no account %s: declare it first.", account)
	}
	if !ok {
		a = identity.Account{ID: account, Created: c.now}
	}
	a.Serial++
	return records.Accounts.Put(tx, account, a)
}

// Errors that end a transaction without a change.
var (
	errUnchanged  = errors.New("nothing is to be changed")
	errDryRunEnds = errors.New("this is a dry run")
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
	return key.Errorf(key.KindValidation,
		"%q is no kind of identity: give account, oidc-provider, policy, role or user.", kind)
}

// errNotDeleted refuses the deletion of an identity that is not of a kind that can be deleted.
func errNotDeleted(kind string) error {
	return key.Errorf(key.KindValidation,
		"Only OIDC providers, policies, roles and users are deleted, not %q: give oidc-provider, policy, role or user.", kind)
}

// changeEntity changes the members that users and roles have in common. known reports whether
// kind is a user or role.
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

// errNoIdentity returns the error for an identity that does not exist.
func errNoIdentity(kind, name, account string) *key.Error {
	return key.Errorf(key.KindNotFound, "There is no %s %s in account %s.", kind, name, account)
}
