package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// DeleteIdentity removes a user with its access keys, a role, a managed policy that no user or
// role has, or an OIDC provider. It does not remove accounts.
var deleteIdentity = administration("DeleteIdentity", nil,
	func(c *call, in *api.IdentityRequest) (*api.Empty, error) {
		account, err := c.accountOf(in.AccountId)
		if err != nil {
			return nil, err
		}
		serial := int64(-1)
		if *in.Kind == kindPolicy {
			if serial, err = c.unusedAt(account, *in.Name); err != nil {
				return nil, err
			}
		}
		if err := c.addKeyEvents(account, in); err != nil {
			return nil, err
		}
		return nil, c.commit(func(tx *store.Tx) error {
			if err := c.removeIdentity(tx, account, *in.Kind, *in.Name); err != nil {
				return err
			}
			if a, _, err := records.Accounts.Get(tx, account); err != nil || serial >= 0 && a.Serial != serial {
				return firstOf(err, key.Errorf(key.KindThrottling, "The identities of the account were changed at the same time."))
			}
			return c.touch(tx, account)
		})
	})

func (c *call) removeIdentity(tx *store.Tx, account, kind, name string) error {
	missing := errNoIdentity(kind, name, account)
	switch kind {
	case kindUser:
		u, ok, err := records.Users.Get(tx, records.NamedPath(account, name))
		if err != nil || !ok {
			return firstOf(err, missing)
		}
		for _, id := range u.Keys {
			if err := removeKey(tx, id); err != nil {
				return err
			}
		}
		return records.Users.Delete(tx, records.NamedPath(account, name))
	case kindRole:
		return removeRecord(tx, records.Roles, records.NamedPath(account, name), missing)
	case kindPolicy:
		return removeRecord(tx, records.ManagedPolicies, records.NamedPath(account, name), missing)
	case kindProvider:
		return removeRecord(tx, records.OIDCProviders, records.ProviderPath(account, name), missing)
	}
	return errNotDeleted(kind)
}

func removeRecord[T any](tx *store.Tx, t store.Table[T], path string, missing *key.Error) error {
	if _, ok, err := t.Get(tx, path); err != nil || !ok {
		return firstOf(err, missing)
	}
	return t.Delete(tx, path)
}

// addKeyEvents adds an event for each access key that goes with a user.
func (c *call) addKeyEvents(account string, in *api.IdentityRequest) error {
	if *in.Kind != kindUser {
		return nil
	}
	u, _, err := read(c.source(), records.Users, records.NamedPath(account, *in.Name))
	for _, id := range u.Keys {
		c.also = append(c.also, c.keyEvent("DeleteAccessKey", id, u.Name))
	}
	return err
}

// unusedAt returns the serial of an account at a moment when no user or role had the
// managed policy.
func (c *call) unusedAt(account, name string) (serial int64, err error) {
	err = c.view(func(v *store.View) error {
		a, _, err := records.Accounts.Get(v, account)
		if err != nil {
			return err
		}
		serial = a.Serial
		p, ok, err := records.ManagedPolicies.Get(v, records.NamedPath(account, name))
		if err != nil || !ok {
			return err // the removal reports a missing policy
		}
		check := func(e identity.Entity, arn string) error {
			if e.Boundary == p.ARN() || slices.Contains(e.Attached, p.ARN()) {
				return key.Errorf(key.KindConflict, "%s has the policy %s: take it off there first.", arn, p.ARN())
			}
			return nil
		}
		err = each(v, records.Users, account, func(u identity.User) error { return check(u.Entity, u.ARN()) })
		if err != nil {
			return err
		}
		return each(v, records.Roles, account, func(r identity.Role) error { return check(r.Entity, r.ARN()) })
	})
	return serial, err
}

// each calls fn with all records of an account.
func each[T any](v *store.View, t store.Table[T], account string, fn func(T) error) error {
	for after := ""; ; {
		records, err := t.Scan(v, account+"/", after, 500)
		if err != nil || len(records) == 0 {
			return err
		}
		for _, r := range records {
			if err := fn(r.Value); err != nil {
				return err
			}
		}
		after = records[len(records)-1].Path
	}
}
