package service

import "github.com/keyhold/keyhold/internal/api"

// GetKeyRotationStatus answers for every key, imported ones too: clients ask
// whatever the origin, and "false" is the truth.
var getKeyRotationStatus = query("GetKeyRotationStatus", asks{{"kms:GetKeyRotationStatus", keyID("KeyId")}}, nil,
	func(c *call, _ *api.GetKeyRotationStatusRequest) (*api.GetKeyRotationStatusResponse, error) {
		return &api.GetKeyRotationStatusResponse{KeyId: new(c.key().ARN())}, nil
	})
