package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// GetKeyRotationStatus answers for every key, imported ones too: clients ask
// whatever the origin, and "false" is the truth. While a key is pending deletion it
// is the truth as well, and what was there before comes back with the key. A replica is
// rotated with its primary key.
var getKeyRotationStatus = query("GetKeyRotationStatus", asks{{"kms:GetKeyRotationStatus", keyID("KeyId")}}, nil,
	func(c *call, _ *api.GetKeyRotationStatusRequest) (*api.GetKeyRotationStatusResponse, error) {
		k := c.key()
		primary, err := c.primaryOf(k)
		if err != nil {
			return nil, err
		}
		out := &api.GetKeyRotationStatusResponse{KeyId: new(k.ARN())}
		if r := primary.Rotation; r.Enabled() && !toBeDeleted(k) && !toBeDeleted(primary) {
			out.KeyRotationEnabled = true
			out.RotationPeriodInDays = new(int32(r.PeriodInDays))
			out.NextRotationDate = timestamp(r.Next)
		}
		return out, nil
	})

func toBeDeleted(k key.Key) bool {
	return k.State == key.PendingDeletion || k.State == key.PendingReplicaDeletion
}
