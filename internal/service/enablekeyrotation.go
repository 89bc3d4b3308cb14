package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var enableKeyRotation = change("EnableKeyRotation", asks{{"kms:EnableKeyRotation", keyID("KeyId")}}, nil,
	func(c *call, _ *api.EnableKeyRotationRequest) (*api.Empty, error) {
		return nil, refuseRotation(c.key())
	})

// refuseRotation says why the material of the key is not rotated of itself:
// imported material never is, and for the other nothing promises it yet.
func refuseRotation(k key.Key) error {
	if k.Origin == key.OriginExternal {
		return wrongOrigin(k)
	}
	return key.Errorf(key.KindUnsupportedOperation, "Automatic rotation of %s is not supported yet.", k.ARN())
}
