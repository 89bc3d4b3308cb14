package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// GetKeyRotationStatus succeeds for every key, including imported keys: clients call it
// regardless of the origin, and "false" is correct. A key that is pending deletion does not
// rotate; cancelling the deletion restores the former setting. A replica key is rotated with
// its primary key.
var getKeyRotationStatus = query("GetKeyRotationStatus",
	asks{{Action: "kms:GetKeyRotationStatus", On: keyID("KeyId")}}, nil,
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
