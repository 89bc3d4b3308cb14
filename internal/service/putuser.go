package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

func membersOfUser(in *api.PutUserRequest) entityMembers {
	return entityMembers{in.Name, in.Path, in.PermissionsBoundary, in.ManagedPolicies, in.Policies, in.Tags}
}

var putUser = administration("PutUser",
	func(in *api.PutUserRequest, _ time.Time) error {
		return checkEntity(membersOfUser(in), maxInlineOfUser)
	},
	func(c *call, in *api.PutUserRequest) (*api.PutIdentityResponse, error) {
		d, err := c.declaration(in.AccountId, in.DryRun)
		if err != nil {
			return nil, err
		}
		path := records.NamedPath(d.account, *in.Name)
		was, _, err := read(c.source(), records.Users, path)
		if err != nil {
			return nil, err
		}
		if !d.dry {
			d.keys = c.makeKeys(missingKeys(was.Keys, in.AccessKeys), *in.Name)
		}
		return c.declare(d, func(tx *store.Tx) error {
			u, ok, err := records.Users.Get(tx, path)
			if err != nil {
				return err
			}
			if d.created = !ok; d.created {
				u.ID = newUniqueID(userPrefix)
			}
			if u.Entity, err = c.entity(tx, d, u.Entity, membersOfUser(in)); err != nil {
				return err
			}
			d.arn = u.ARN()
			d.differ("access_keys", 0, missingKeys(u.Keys, in.AccessKeys))
			if u.Keys, err = c.putKeys(tx, d.account, u.Name, u.Keys, d.keys); err != nil {
				return err
			}
			return records.Users.Put(tx, path, u)
		})
	})

// seedAccessKey gives a user of a dev server a fixed access key. The table of operations does
// not have it: only Seed carries it out.
var seedAccessKey = administration("SeedAccessKey", nil,
	func(c *call, in *api.SeedAccessKeyRequest) (*api.PutIdentityResponse, error) {
		account, err := c.accountOf(in.AccountId)
		if err != nil {
			return nil, err
		}
		d := &declaration{account: account}
		return c.declare(d, func(tx *store.Tx) error {
			path := records.NamedPath(d.account, *in.Name)
			u, _, err := records.Users.Get(tx, path)
			if err != nil {
				return err
			}
			k, there, err := records.AccessKeys.Get(tx, *in.AccessKeyId)
			if err != nil {
				return err
			}
			if there && (k.Account != account || k.User != u.Name) {
				return key.Errorf(key.KindAlreadyExists, "The access key belongs to another identity.")
			}
			d.created = !there
			d.arn = u.ARN()
			d.differ("secret", k.Secret, *in.SecretAccessKey)
			if there {
				k.Secret = *in.SecretAccessKey
				return records.AccessKeys.Put(tx, *in.AccessKeyId, k)
			}
			declared := []madeKey{{*in.AccessKeyId, *in.SecretAccessKey}}
			if u.Keys, err = c.putKeys(tx, account, u.Name, u.Keys, declared); err != nil {
				return err
			}
			return records.Users.Put(tx, path, u)
		})
	})
