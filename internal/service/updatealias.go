package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// UpdateAlias asks on the new key, on the old key, and on the alias. Only the state of the new
// key matters. Both keys must have the same type and usage.
var updateAlias = change("UpdateAlias",
	asks{
		{Action: "kms:UpdateAlias", On: keyID("TargetKeyId")},
		{Action: "kms:UpdateAlias", On: anyState(keyOfAlias("AliasName"))},
		{Action: "kms:UpdateAlias", On: alias("AliasName")},
	},
	func(in *api.UpdateAliasRequest, _ time.Time) error { return key.CheckAliasName(*in.AliasName) },
	func(c *call, in *api.UpdateAliasRequest) (*api.Empty, error) {
		target, former := c.keys[0], c.keys[1]
		if target.Usage != former.Usage || target.Suite().Public != former.Suite().Public {
			return nil, key.Errorf(key.KindValidation,
				"The current and the new key of an alias must be of the same type and have the same key usage.")
		}
		return nil, c.commit(func(tx *store.Tx) error {
			a, err := c.rereadAlias(tx, *in.AliasName, former)
			if err != nil {
				return err
			}
			if err := records.RemoveAlias(tx, a); err != nil {
				return err
			}
			a.KeyID, a.LastUpdatedDate = target.ID, c.now.Truncate(time.Millisecond)
			return records.InsertAlias(tx, a)
		})
	})
