package service

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// UpdatePrimaryRegion asks on the primary key and on the replica that takes its
// part; both must be enabled.
var updatePrimaryRegion = change("UpdatePrimaryRegion", asks{{Action: "kms:UpdatePrimaryRegion", On: keyID("KeyId")}, {Action: "kms:UpdatePrimaryRegion", On: nextPrimary}}, nil,
	func(c *call, in *api.UpdatePrimaryRegionRequest) (*api.Empty, error) {
		var left []string
		err := c.commit(func(tx *store.Tx) error {
			related, err := c.relatedKeys(tx, *in.PrimaryRegion)
			if err != nil {
				return err
			}
			left, err = putKeys(tx, key.MovePrimary(related, *in.PrimaryRegion)...)
			return err
		})
		if err != nil {
			return nil, err
		}
		return nil, c.erase(c.ctx, left)
	})

// nextPrimary finds the replica in the Region that the request names. Where that
// cannot be one, the operation says so.
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

// relatedKeys returns the primary key of the first ask and all its replicas, these
// as they are stored, so that nothing but their relation is written. That of the
// Region must be one of them, and in a state that permits the operation.
func (c *call) relatedKeys(tx *store.Tx, region string) ([]key.Key, error) {
	primary, err := c.reread(tx)
	if err != nil {
		return nil, err
	}
	if err := primary.CheckPrimary(); err != nil {
		return nil, err
	}
	related, found := []key.Key{primary}, false
	for _, r := range primary.MultiRegion.Replicas {
		k, exists, err := keys.Get(tx, keyPath(primary.Account, r.Region, primary.ID))
		if err == nil && !exists {
			err = fmt.Errorf("the replica of %s in %s is missing", primary.ARN(), r.Region)
		}
		if err == nil && r.Region == region {
			found, err = true, c.rules.Permit(c.Operation.Name, k.At(c.now))
		}
		if err != nil {
			return nil, err
		}
		related = append(related, k)
	}
	if !found {
		return nil, key.Errorf(key.KindUnsupportedOperation, "%s has no replica in %s that could be the primary key.", primary.ARN(), region)
	}
	return related, nil
}
