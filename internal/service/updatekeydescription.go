package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var updateKeyDescription = change("UpdateKeyDescription",
	asks{{Action: "kms:UpdateKeyDescription", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.UpdateKeyDescriptionRequest) (*api.Empty, error) {
		return nil, c.commitKey(func(k key.Key) (key.Key, error) {
			k.Description = *in.Description
			return k, nil
		})
	})
