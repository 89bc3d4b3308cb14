package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var cancelKeyDeletion = change("CancelKeyDeletion", asks{{Action: "kms:CancelKeyDeletion", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.CancelKeyDeletionRequest) (*api.CancelKeyDeletionResponse, error) {
		err := c.commitKey(func(k key.Key) (key.Key, error) { return k.CancelDeletion(), nil })
		if err != nil {
			return nil, err
		}
		return &api.CancelKeyDeletionResponse{KeyId: new(c.key().ARN())}, nil
	})
