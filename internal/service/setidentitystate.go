package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// SetIdentityState enables or disables a user or role, whose sessions go with it, or
// one access key. That of keyhold init has no account record: it is disabled as any
// other once there is another way in.
var setIdentityState = administration("SetIdentityState",
	func(in *api.SetIdentityStateRequest, _ time.Time) error {
		if (in.AccessKeyId == nil) == (in.Kind == nil || in.Name == nil) {
			return key.Errorf(key.KindValidation, "Either AccessKeyId or Kind and Name must be given.")
		}
		return nil
	},
	func(c *call, in *api.SetIdentityStateRequest) (*api.Empty, error) {
		account, err := c.accountOf(in.AccountId)
		if err != nil {
			return nil, err
		}
		if in.AccessKeyId != nil && *in.AccessKeyId == c.Caller.Principal.AccessKeyID {
			return nil, key.Errorf(key.KindConflict, "The access key is the one that signed this request: use another one to disable it.")
		}
		return nil, c.commit(func(tx *store.Tx) error {
			if in.AccessKeyId != nil {
				return setKeyState(tx, *in.AccessKeyId, *in.Enabled)
			}
			if err := setEntityState(tx, account, *in.Kind, *in.Name, *in.Enabled); err != nil {
				return err
			}
			return c.touch(tx, account)
		})
	})

func setKeyState(tx *store.Tx, id string, enabled bool) error {
	k, ok, err := accessKeys.Get(tx, id)
	if err != nil || !ok {
		return firstOf(err, key.Errorf(key.KindNotFound, "There is no access key %s.", id))
	}
	k.Inactive = !enabled
	return accessKeys.Put(tx, id, k)
}

func setEntityState(tx *store.Tx, account, kind, name string, enabled bool) error {
	switch kind {
	case kindUser:
		u, ok, err := users.Get(tx, namedPath(account, name))
		if err != nil || !ok {
			return firstOf(err, errNoIdentity(kind, name, account))
		}
		u.Disabled = !enabled
		return users.Put(tx, namedPath(account, name), u)
	case kindRole:
		r, ok, err := roles.Get(tx, namedPath(account, name))
		if err != nil || !ok {
			return firstOf(err, errNoIdentity(kind, name, account))
		}
		r.Disabled = !enabled
		return roles.Put(tx, namedPath(account, name), r)
	}
	return key.Errorf(key.KindValidation, "Only users, roles and access keys are enabled and disabled, not %s.", kind)
}
