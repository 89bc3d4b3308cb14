package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// RotateAccessKey generates a second access key. If there are two access keys, it replaces an
// inactive one. If both are active, it refuses, because both may be in use.
var rotateAccessKey = administration("RotateAccessKey", nil,
	func(c *call, in *api.RotateAccessKeyRequest) (*api.RotateAccessKeyResponse, error) {
		account, err := c.accountOf(in.AccountId)
		if err != nil {
			return nil, err
		}
		user := or(in.Name, "")
		made := c.makeKeys(1, user)
		out := &api.RotateAccessKeyResponse{Made: &api.AccessKey{AccessKeyId: &made[0].id, SecretAccessKey: &made[0].secret}}
		return out, c.commit(func(tx *store.Tx) error {
			if err := c.touch(tx, account); err != nil {
				return err
			}
			if user == "" {
				a, _, err := records.Accounts.Get(tx, account)
				if err != nil {
					return err
				}
				out.Arn = new(identity.Root(account).ARN)
				if a.Keys, out.Removed, err = c.anotherKey(tx, account, "", a.Keys, made); err != nil {
					return err
				}
				return records.Accounts.Put(tx, account, a)
			}
			u, ok, err := records.Users.Get(tx, records.NamedPath(account, user))
			if err != nil || !ok {
				return firstOf(err, errNoIdentity(kindUser, user, account))
			}
			out.Arn = new(u.ARN())
			if u.Keys, out.Removed, err = c.anotherKey(tx, account, u.Name, u.Keys, made); err != nil {
				return err
			}
			return records.Users.Put(tx, records.NamedPath(account, user), u)
		})
	})

// anotherKey writes the new access key and, if there are two already, removes an inactive one.
func (c *call) anotherKey(
	tx *store.Tx, account, user string, has []string, made []madeKey,
) (all []string, removed *string, err error) {
	if len(has) == identity.MaxAccessKeys {
		i, err := inactive(tx, has)
		if err != nil {
			return nil, nil, err
		}
		if i < 0 {
			return nil, nil, key.Errorf(key.KindLimitExceeded,
				"It has %d access keys, and both are active. Disable the one that is not in use any more.", len(has))
		}
		removed = new(has[i])
		if err := removeKey(tx, has[i]); err != nil {
			return nil, nil, err
		}
		has = slices.Delete(slices.Clone(has), i, i+1)
	}
	all, err = c.putKeys(tx, account, user, has, made)
	return all, removed, err
}

// inactive returns the index of an inactive access key, or -1 if all are active.
func inactive(tx *store.Tx, ids []string) (int, error) {
	for i, id := range ids {
		if k, _, err := records.AccessKeys.Get(tx, id); err != nil || k.Inactive {
			return i, err
		}
	}
	return -1, nil
}
