package service

import (
	"reflect"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// ReplicateKey asks for the replica as CreateKey does for a key.
var replicateKey = change("ReplicateKey",
	asks{
		{Action: "kms:ReplicateKey", On: keyID("KeyId")},
		{Action: "kms:CreateKey"},
		{Action: "kms:TagResource", On: tagged(replicaRegion)},
	}, nil,
	func(c *call, in *api.ReplicateKeyRequest) (*api.ReplicateKeyResponse, error) {
		primary := c.key()
		replica, err := c.newReplica(primary, in)
		if err != nil {
			return nil, err
		}
		if replica.Origin == key.OriginAWSKMS {
			if replica, err = c.copyMaterials(primary, replica); err != nil {
				return nil, c.notCommitted(err)
			}
		}
		if primary, err = c.commitReplica(primary, replica); err != nil {
			return nil, err
		}
		out := &api.ReplicateKeyResponse{
			ReplicaKeyMetadata: metadata(replica),
			ReplicaPolicy:      &replica.Policy,
			ReplicaTags:        in.Tags,
		}
		out.ReplicaKeyMetadata.MultiRegionConfiguration = multiRegionConfiguration(replica, primary)
		return out, nil
	})

func replicaRegion(c *call, in any) string {
	return or(in.(*api.ReplicateKeyRequest).ReplicaRegion, c.Caller.Region)
}

// newReplica returns the replica that the request describes, without material.
func (c *call) newReplica(primary key.Key, in *api.ReplicateKeyRequest) (key.Key, error) {
	if err := primary.CheckPrimary(); err != nil {
		return key.Key{}, err
	}
	if !c.Serves(*in.ReplicaRegion) {
		return key.Key{}, key.Errorf(key.KindUnsupportedOperation, "The Region %s is not served.", *in.ReplicaRegion)
	}
	if _, err := primary.WithReplica(*in.ReplicaRegion); err != nil {
		return key.Key{}, err
	}
	r := primary.NewReplica(*in.ReplicaRegion)
	r.CreationDate = c.now.Truncate(time.Millisecond)
	r.Description = or(in.Description, "")
	r.Policy = or(in.Policy, key.DefaultPolicy(r.Account))
	r.Tags = keyTags(in.Tags)
	if err := key.CheckTags(r.Tags); err != nil {
		return key.Key{}, err
	}
	if err := c.hold(func() error { return c.checkPolicy(r.Policy, r, in.BypassPolicyLockoutSafetyCheck) }); err != nil {
		return key.Key{}, err
	}
	// Checked now, and not only in the commit, so that a refused replica writes no slot.
	return r, c.view(func(v *store.View) error { return c.checkFree(v, r) })
}

// commitReplica writes the replica and its primary key, which lists the replica from now on.
// The current materials must still be the copied materials. The pending material may have
// changed.
func (c *call) commitReplica(copied, replica key.Key) (primary key.Key, err error) {
	c.created = replica.ARN()
	var left []string
	err = c.commit(func(tx *store.Tx) error {
		if err := c.checkFree(tx, replica); err != nil {
			return err
		}
		primary = c.key()
		if err := primary.CheckPrimary(); err != nil {
			return err
		}
		if !reflect.DeepEqual(primary.Materials, copied.Materials) {
			return store.ErrConflict
		}
		if primary, err = primary.WithReplica(replica.Region); err != nil {
			return err
		}
		// The replica is written first, because writing the primary key may change the replica.
		if err := records.InsertKey(tx, replica.Await(primary.Pending), c.level()); err != nil {
			return err
		}
		left, err = records.PutKeys(tx, primary)
		return err
	})
	if err != nil {
		return key.Key{}, err
	}
	return primary, c.materials.Erase(c.ctx, left)
}
