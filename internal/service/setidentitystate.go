package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// SetIdentityState enables or disables one access key, or a user or role with its sessions. The
// access key of keyhold init does not belong to a user. It can be disabled when another
// administrator can sign in.
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
			return nil, key.Errorf(key.KindConflict,
				"The access key is the one that signed this request: use another one to disable it.")
		}
		return nil, c.commit(func(tx *store.Tx) error {
			if in.AccessKeyId != nil {
				return setKeyState(tx, *in.AccessKeyId, *in.Enabled)
			}
			known, err := changeEntity(tx, account, *in.Kind, *in.Name, func(e *identity.Entity) { e.Disabled = !*in.Enabled })
			switch {
			case err != nil:
				return err
			case !known:
				return key.Errorf(key.KindValidation,
					"Only users, roles and access keys are enabled and disabled, not %s.", *in.Kind)
			}
			return c.touch(tx, account)
		})
	})

func setKeyState(tx *store.Tx, id string, enabled bool) error {
	k, ok, err := records.AccessKeys.Get(tx, id)
	if err != nil || !ok {
		return firstOf(err, key.Errorf(key.KindNotFound, "There is no access key %s.", id))
	}
	k.Inactive = !enabled
	return records.AccessKeys.Put(tx, id, k)
}
