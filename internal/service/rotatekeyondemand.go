package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
)

// RotateKeyOnDemand is over when it answers: there is no rotation in progress.
var rotateKeyOnDemand = change("RotateKeyOnDemand", asks{{Action: "kms:RotateKeyOnDemand", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.RotateKeyOnDemandRequest) (*api.RotateKeyOnDemandResponse, error) {
		k := c.key()
		if err := k.CheckOnDemand(c.now); err != nil {
			return nil, err
		}
		var generated key.Material
		if k.Origin == key.OriginAWSKMS {
			var err error
			if generated, err = c.freshMaterial(k); err != nil {
				return nil, err
			}
		}
		c.also = []audit.Event{rotationEvent(k, key.RotationOnDemand, c.now)}
		err := c.commitKey(func(k key.Key) (key.Key, error) { return k.RotateOnDemand(generated, c.now) })
		if err != nil {
			return nil, err
		}
		return &api.RotateKeyOnDemandResponse{KeyId: &k.ID}, nil
	})
