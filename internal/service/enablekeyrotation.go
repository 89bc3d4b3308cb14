package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var enableKeyRotation = change("EnableKeyRotation", asks{{Action: "kms:EnableKeyRotation", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.EnableKeyRotationRequest) (*api.Empty, error) {
		days := int(or(in.RotationPeriodInDays, key.DefaultRotationPeriod))
		return nil, c.commitRotation(func(k key.Key) key.Key { return k.EnableRotation(days, c.now) })
	})

// commitRotation changes the automatic rotation of the key, if the key can have automatic
// rotation.
func (c *call) commitRotation(fn func(k key.Key) key.Key) error {
	return c.commitKey(func(k key.Key) (key.Key, error) {
		if err := k.CheckAutomaticRotation(); err != nil {
			return key.Key{}, err
		}
		return fn(k), nil
	})
}
