package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// GetKeyRotationStatus answers for every key, imported ones too: clients ask
// whatever the origin, and "false" is the truth. While a key is pending deletion it
// is the truth as well, and what was there before comes back with the key.
var getKeyRotationStatus = query("GetKeyRotationStatus", asks{{Action: "kms:GetKeyRotationStatus", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.GetKeyRotationStatusRequest) (*api.GetKeyRotationStatusResponse, error) {
		k := c.key()
		out := &api.GetKeyRotationStatusResponse{KeyId: new(k.ARN())}
		if k.Rotation.Enabled() && k.State != key.PendingDeletion && k.State != key.PendingReplicaDeletion {
			out.KeyRotationEnabled = true
			out.RotationPeriodInDays = new(int32(k.Rotation.PeriodInDays))
			out.NextRotationDate = timestamp(k.Rotation.Next)
		}
		return out, nil
	})
