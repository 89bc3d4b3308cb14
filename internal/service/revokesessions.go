package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// RevokeSessions ends all sessions of a role or user that were issued until now.
var revokeSessions = administration("RevokeSessions", nil,
	func(c *call, in *api.IdentityRequest) (*api.Empty, error) {
		account, err := c.accountOf(in.AccountId)
		if err != nil {
			return nil, err
		}
		return nil, c.commit(func(tx *store.Tx) error {
			known, err := changeEntity(tx, account, *in.Kind, *in.Name, func(e *identity.Entity) { e.EndSessions(c.now) })
			if err == nil && !known {
				err = key.Errorf(key.KindValidation, "Only users and roles have sessions, not %s.", *in.Kind)
			}
			return err
		})
	})
