package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var enableKey = change("EnableKey", asks{{Action: "kms:EnableKey", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.EnableKeyRequest) (*api.Empty, error) {
		return nil, c.commitKey(func(k key.Key) (key.Key, error) { return k.Enable(c.now), nil })
	})
