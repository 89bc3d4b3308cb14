package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var deleteAlias = change("DeleteAlias",
	asks{{Action: "kms:DeleteAlias", On: keyOfAlias("AliasName")}, {Action: "kms:DeleteAlias", On: alias("AliasName")}},
	func(in *api.DeleteAliasRequest, _ time.Time) error { return key.CheckAliasName(*in.AliasName) },
	func(c *call, in *api.DeleteAliasRequest) (*api.Empty, error) {
		return nil, c.commit(func(tx *store.Tx) error {
			a, err := c.rereadAlias(tx, *in.AliasName, c.key())
			if err != nil {
				return err
			}
			return records.RemoveAlias(tx, a)
		})
	})
