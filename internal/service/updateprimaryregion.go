package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// UpdatePrimaryRegion asks on the primary key and on the replica that becomes the primary key.
// Both must be enabled.
var updatePrimaryRegion = change("UpdatePrimaryRegion",
	asks{
		{Action: "kms:UpdatePrimaryRegion", On: keyID("KeyId")},
		{Action: "kms:UpdatePrimaryRegion", On: nextPrimary},
	}, nil,
	func(c *call, in *api.UpdatePrimaryRegionRequest) (*api.Empty, error) {
		var left []string
		err := c.commit(func(tx *store.Tx) error {
			primary := c.key()
			if err := primary.CheckPrimary(); err != nil {
				return err
			}
			related, err := records.RelatedKeys(tx, primary)
			if err != nil {
				return err
			}
			if err := c.checkNextPrimary(related, *in.PrimaryRegion); err != nil {
				return err
			}
			if related, err = related.MovePrimary(*in.PrimaryRegion, c.now); err == nil {
				left, err = records.PutKeys(tx, related...)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		return nil, c.materials.Erase(c.ctx, left)
	})

// nextPrimary finds the replica in the Region that the request names. The operation itself
// rejects a Region without a replica.
func nextPrimary(c *call, in any) (target, error) {
	k := c.key()
	region, err := c.needed(in, "PrimaryRegion")
	if err != nil {
		return target{}, err
	}
	if !k.IsPrimary() || k.Region == region {
		return target{}, nil
	}
	return target{ref: key.Reference{Account: k.Account, Region: region, KeyID: k.ID}}, nil
}

// checkNextPrimary checks that the Region has a replica, in a state that permits the operation.
func (c *call) checkNextPrimary(related key.Related, region string) error {
	for _, k := range related[1:] {
		if k.Region == region {
			return c.rules.Permit(c.Operation.Name, k.At(c.now))
		}
	}
	return key.Errorf(key.KindUnsupportedOperation,
		"%s has no replica in %s that could be the primary key.", related[0].ARN(), region)
}
