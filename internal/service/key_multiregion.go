package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// describe returns the metadata of a key with its related keys. Only the primary key lists the
// replicas.
func (c *call) describe(k key.Key) (*api.KeyMetadata, error) {
	m := metadata(k)
	if !k.IsMultiRegion() {
		return m, nil
	}
	primary, err := c.primaryOf(k)
	if err != nil {
		return nil, err
	}
	m.MultiRegionConfiguration = multiRegionConfiguration(k, primary)
	return m, nil
}

// primaryOf returns the primary key of k's related keys. This may be k itself, or another key
// than when k was read.
func (c *call) primaryOf(k key.Key) (primary key.Key, err error) {
	if !k.IsReplica() {
		return k, nil
	}
	err = c.view(func(v *store.View) error {
		primary, err = c.readPrimary(v, k)
		return err
	})
	return primary, err
}

func (c *call) readPrimary(from store.Getter, k key.Key) (key.Key, error) {
	k, err := c.readKey(from, referenceTo(k))
	if err == nil && k.IsReplica() {
		k.Region = k.MultiRegion.Primary
		k, err = c.readKey(from, referenceTo(k))
	}
	return k, err
}

func referenceTo(k key.Key) key.Reference {
	return key.Reference{Account: k.Account, Region: k.Region, KeyID: k.ID}
}

// related returns a key with its related keys, all read at one moment.
func (c *call) related(k key.Key) (related key.Related, err error) {
	err = c.view(func(v *store.View) error {
		primary, err := c.readPrimary(v, k)
		if err == nil {
			related, err = records.RelatedKeys(v, primary)
		}
		return err
	})
	return related, err
}

// checkFree rejects a new key whose ID is taken in its Region, even by a removed key that the
// sweep has not deleted yet. It also rejects a second primary key with the same ID.
func (c *call) checkFree(from store.Getter, k key.Key) error {
	stored, exists, err := records.Keys.Get(from, records.PathOf(k))
	if err != nil || exists {
		return firstOf(err, stored.At(c.now).ExistsError())
	}
	if !k.IsPrimary() {
		return nil
	}
	f, exists, err := records.Families.Get(from, records.FamilyPath(k))
	if err != nil || !exists {
		return err
	}
	return key.Errorf(key.KindAlreadyExists,
		"The multi-Region key %s has its primary key in %s: replicate that.", k.ID, f.Primary)
}

// inSameRegions returns a conflict if the Regions of the related keys have changed since their
// material was generated.
func inSameRegions(before, now key.Related) error {
	if !slices.EqualFunc(before, now, func(a, b key.Key) bool { return a.Region == b.Region }) {
		return store.ErrConflict
	}
	return nil
}

// multiRegionConfiguration returns what the API shows of the related keys of k.
func multiRegionConfiguration(k, primary key.Key) *api.MultiRegionConfiguration {
	in := func(region string) api.MultiRegionKey {
		return api.MultiRegionKey{Arn: new(key.KeyARN(k.Account, region, k.ID)), Region: &region}
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

// copyMaterials returns a replica with the materials of its primary key, each opened and sealed
// again for the replica, under a slot of its own.
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
		if material, err = c.materials.Open(c.ctx, from, m); err != nil {
			return
		}
		defer clear(material)
		copied, err = c.sealMaterial(to, m.ID, material)
	})
	return copied, err
}
