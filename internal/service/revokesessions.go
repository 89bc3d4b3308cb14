package service

import (
	"github.com/keyhold/keyhold/internal/api"
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
		path := namedPath(account, *in.Name)
		return nil, c.commit(func(tx *store.Tx) error {
			switch *in.Kind {
			case kindUser:
				u, ok, err := users.Get(tx, path)
				if err != nil || !ok {
					return firstOf(err, errNoIdentity(kindUser, *in.Name, account))
				}
				u.SessionsFrom = c.now
				return users.Put(tx, path, u)
			case kindRole:
				r, ok, err := roles.Get(tx, path)
				if err != nil || !ok {
					return firstOf(err, errNoIdentity(kindRole, *in.Name, account))
				}
				r.SessionsFrom = c.now
				return roles.Put(tx, path, r)
			}
			return key.Errorf(key.KindValidation, "Only users and roles have sessions, not %s.", *in.Kind)
		})
	})
