package service

import (
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var retireGrant = change("RetireGrant", asks{{"kms:RetireGrant", keyOfGrant}}, checkRetireGrant,
	func(c *call, in *api.RetireGrantRequest) (*api.Empty, error) {
		id := in.GrantId
		if in.GrantToken != nil {
			_, named, err := c.openGrantToken(*in.GrantToken)
			if err != nil {
				return nil, err
			}
			id = &named
		}
		c.told.additional = fmt.Appendf(nil, `{"grantId":%q}`, *id)
		return nil, c.commitWithoutGrant(*id, in.DryRun)
	})

// checkRetireGrant wants a token, or a key and a grant ID.
func checkRetireGrant(in *api.RetireGrantRequest, _ time.Time) error {
	byToken, byID := in.GrantToken != nil, in.GrantId != nil && in.KeyId != nil
	switch {
	case byToken && (in.GrantId != nil || in.KeyId != nil), !byToken && !byID:
		return key.Errorf(key.KindValidation, "You must specify either a GrantToken, or both a KeyId and a GrantId.")
	case byID:
		return key.CheckGrantID(*in.GrantId)
	}
	return nil
}

// keyOfGrant finds the key that the grant to be retired is on. A token names its
// key, which must be of the caller's Region.
func keyOfGrant(c *call, in any) (target, error) {
	token := in.(*api.RetireGrantRequest).GrantToken
	if token == nil {
		return keyID("KeyId")(c, in)
	}
	on, _, err := c.openGrantToken(*token)
	if err == nil && on.Region != c.Caller.Region {
		err = errGrantToken
	}
	return target{ref: on}, err
}
