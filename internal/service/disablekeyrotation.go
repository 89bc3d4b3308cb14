package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var disableKeyRotation = change("DisableKeyRotation", asks{{Action: "kms:DisableKeyRotation", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.DisableKeyRotationRequest) (*api.Empty, error) {
		return nil, c.commitRotation(key.Key.DisableRotation)
	})
