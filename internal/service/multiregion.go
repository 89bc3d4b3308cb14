package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// families tell the Region of the primary key of each set of related keys, so that
// there is one of it.
var families = store.Table[family]{Prefix: "multi-region", Codec: store.JSON[family]()}

// A family is a set of related keys.
type family struct {
	Primary string `json:"primary"` // Region
}

func familyPath(k key.Key) string { return k.Account + "/" + k.ID }

// describe is metadata with the related keys of a multi-Region key. A replica's
// are known to its primary key.
func (c *call) describe(k key.Key) (*api.KeyMetadata, error) {
	m := metadata(k)
	if !k.IsMultiRegion() {
		return m, nil
	}
	primary := k
	if k.IsReplica() {
		err := c.store.View(c.ctx, func(v *store.View) error {
			now, err := c.readKey(v, key.Reference{Account: k.Account, Region: k.Region, KeyID: k.ID})
			if err == nil {
				primary, err = c.primaryOf(v, now)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	m.MultiRegionConfiguration = multiRegionConfiguration(k, primary)
	return m, nil
}

// primaryOf returns the primary key of a multi-Region key, as it is now.
func (c *call) primaryOf(from store.Getter, k key.Key) (key.Key, error) {
	return c.readKey(from, key.Reference{Account: k.Account, Region: k.MultiRegion.Primary, KeyID: k.ID})
}

// multiRegionConfiguration is what the API shows of the keys that are related to k.
func multiRegionConfiguration(k, primary key.Key) *api.MultiRegionConfiguration {
	in := func(region string) api.MultiRegionKey {
		return api.MultiRegionKey{Arn: new(key.ARN(k.Account, region, "key/"+k.ID)), Region: &region}
	}
	c := &api.MultiRegionConfiguration{
		MultiRegionKeyType: new(api.MultiRegionReplica),
		PrimaryKey:         new(in(primary.Region)),
		ReplicaKeys:        []api.MultiRegionKey{},
	}
	if primary.Region == k.Region {
		c.MultiRegionKeyType = new(api.MultiRegionPrimary)
	}
	for _, r := range primary.MultiRegion.Replicas {
		c.ReplicaKeys = append(c.ReplicaKeys, in(r.Region))
	}
	return c
}

// copyMaterials returns a replica with the material of its primary key: opened, and
// sealed again in the replica's place, each under a slot of its own.
func (c *call) copyMaterials(primary, replica key.Key) (key.Key, error) {
	for i, m := range primary.Materials {
		copied, err := c.copyMaterial(primary, replica, m)
		if err != nil {
			return key.Key{}, err
		}
		m.Sealed, m.Slot = copied.Sealed, copied.Slot
		replica.Materials[i] = m
	}
	replica.State = key.Enabled
	return replica, nil
}

func (c *call) copyMaterial(from, to key.Key, m key.Material) (copied key.Material, err error) {
	crypt.Secretly(func() {
		var material []byte
		if material, err = c.openMaterial(c.ctx, from, m); err != nil {
			return
		}
		defer clear(material)
		copied, err = c.sealMaterial(to, m.ID, material)
	})
	return copied, err
}
