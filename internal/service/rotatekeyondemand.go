package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// RotateKeyOnDemand completes the rotation before it answers, so the API never shows a rotation
// in progress.
var rotateKeyOnDemand = change("RotateKeyOnDemand", asks{{Action: "kms:RotateKeyOnDemand", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.RotateKeyOnDemandRequest) (*api.RotateKeyOnDemandResponse, error) {
		k := c.key()
		if err := k.CheckOnDemand(c.now); err != nil {
			return nil, err
		}
		related, err := c.related(k)
		if err != nil {
			return nil, err
		}
		if err := related.CheckOnDemand(c.now); err != nil {
			return nil, err
		}
		generated, err := c.freshMaterials(related)
		if err != nil {
			return nil, c.notCommitted(err)
		}
		c.also = []audit.Event{rotationEvent(related, key.RotationOnDemand, c.now)}
		if err := c.commitRotationOnDemand(related, generated); err != nil {
			return nil, err
		}
		return &api.RotateKeyOnDemandResponse{KeyId: new(k.ARN())}, nil
	})

// commitRotationOnDemand rotates a key and its related keys, which must be the same keys as
// before the transaction.
func (c *call) commitRotationOnDemand(before key.Related, generated []key.Material) error {
	var left []string
	err := c.commit(func(tx *store.Tx) error {
		related, err := records.RelatedKeys(tx, c.key())
		if err != nil {
			return err
		}
		if err := inSameRegions(before, related); err != nil {
			return err
		}
		if related, err = related.RotateOnDemand(generated, c.now); err == nil {
			left, err = records.PutKeys(tx, related...)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.materials.Erase(c.ctx, left)
}
