package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var disableKey = change("DisableKey", asks{{Action: "kms:DisableKey", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.DisableKeyRequest) (*api.Empty, error) {
		return nil, c.commitKey(func(k key.Key) (key.Key, error) { return k.Disable(), nil })
	})
