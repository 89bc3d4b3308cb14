package service

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// CreateAlias asks on the key, and on the alias, which has no policy.
var createAlias = change("CreateAlias",
	asks{{Action: "kms:CreateAlias", On: keyID("TargetKeyId")}, {Action: "kms:CreateAlias", On: alias("AliasName")}},
	func(in *api.CreateAliasRequest, _ time.Time) error { return key.CheckAliasName(*in.AliasName) },
	func(c *call, in *api.CreateAliasRequest) (*api.Empty, error) {
		now := c.now.Truncate(time.Millisecond)
		a := key.Alias{
			Name:            *in.AliasName,
			Account:         c.Caller.Principal.AccountID,
			Region:          c.Caller.Region,
			KeyID:           c.key().ID,
			CreationDate:    now,
			LastUpdatedDate: now,
		}
		return nil, c.commit(func(tx *store.Tx) error {
			return c.addAlias(tx, a)
		})
	})

// addAlias writes a new alias. It may reuse the name of an alias whose key was removed, if the
// sweep has not removed that alias yet.
func (c *call) addAlias(tx *store.Tx, a key.Alias) error {
	path := records.AliasPath(a.Account, a.Region, a.Name)
	guard := records.AliasGuards.Ref(records.KeyPath(a.Account, a.Region, a.KeyID))
	if err := store.Fetch(tx, records.Aliases.Ref(path), guard); err != nil {
		return err
	}
	old, exists, err := records.Aliases.Get(tx, path)
	if err != nil {
		return err
	}
	if !exists {
		return records.InsertAlias(tx, a)
	}
	_, live, err := c.liveKey(tx, records.KeyPath(old.Account, old.Region, old.KeyID))
	if err != nil || live {
		return firstOf(err, key.Errorf(key.KindAlreadyExists, "An alias with the name %s already exists", a.ARN()))
	}
	return errors.Join(records.RemoveAlias(tx, old), records.InsertAlias(tx, a))
}
