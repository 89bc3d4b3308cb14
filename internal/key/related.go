package key

import (
	"slices"
	"strings"
	"time"
)

// Related are keys that share their materials and are rotated together: a multi-Region primary key, always
// first, and its replicas. A single-Region key is related only to itself.
type Related []Key

// awaitPending returns the keys, with the primary key's pending material set in each replica.
func (r Related) awaitPending() Related {
	all := slices.Clone(r)
	for i, k := range r {
		all[i] = k.Await(r[0].Pending)
	}
	return all
}

// Lacking returns the Regions whose keys need the bytes of the pending material before a rotation can make it
// current. Keys that are pending deletion do not need it. If such a deletion is cancelled later, the key lacks
// the material and is PendingImport.
func (r Related) Lacking(now time.Time) (regions []string) {
	for _, k := range r.awaitPending() {
		k = k.At(now)
		if k.State != PendingDeletion && k.Pending != nil && !k.Pending.Present() {
			regions = append(regions, k.Region)
		}
	}
	return regions
}

// CheckOnDemand returns an Error unless the keys can be rotated on demand now.
func (r Related) CheckOnDemand(now time.Time) error {
	if err := r[0].CheckOnDemand(now); err != nil {
		return err
	}
	if lacking := r.Lacking(now); len(lacking) > 0 {
		return Errorf(KindInvalidState, "Key material %s is pending import: %s cannot be rotated before its replica keys "+
			"have it, and those in %s do not.",
			r[0].Pending.ID, r[0].ARN(), strings.Join(lacking, ", "))
	}
	return nil
}

// RotateOnDemand returns the keys with new current material. Imported keys use their pending material. Other
// keys use generated, which has one material for each key, in order.
func (r Related) RotateOnDemand(generated []Material, now time.Time) (Related, error) {
	if err := r.CheckOnDemand(now); err != nil {
		return nil, err
	}
	rotated := r.awaitPending()
	for i, k := range rotated {
		rotated[i] = k.rotateOnDemand(generated[i], now)
	}
	return rotated, nil
}

// Rotate carries out an automatic rotation: it returns the keys with new current material from generated, which
// has one material for each key, in order.
func (r Related) Rotate(generated []Material, now time.Time) Related {
	rotated := slices.Clone(r)
	rotated[0] = r[0].Rotate(generated[0], now)
	for i, k := range r[1:] {
		rotated[i+1] = k.withCurrent(generated[i+1], RotationAutomatic, now)
	}
	return rotated
}

// MovePrimary returns the keys with the key in the given Region as the primary key. It inherits the rotation
// schedule and the pending material, and therefore must have the bytes of the pending material.
func (r Related) MovePrimary(region string, now time.Time) (Related, error) {
	all := r.awaitPending()
	if slices.Contains(all.Lacking(now), region) {
		return nil, Errorf(KindInvalidState, "Key material %s is pending import into the key in %s, which cannot take the "+
			"place of %s without it.", r[0].Pending.ID, region, r[0].ARN())
	}
	for i, k := range all {
		k.MultiRegion, k.Rotation = MultiRegion{Primary: region}, Rotation{}
		if k.Region == region {
			k.MultiRegion.Replicas, k.Rotation = r.othersThan(region), r[0].Rotation
		}
		all[i] = k
	}
	return all, nil
}

// othersThan returns the replica entries for a primary key in the given Region.
func (r Related) othersThan(region string) (replicas []Replica) {
	for _, k := range r {
		if k.Region != region {
			replicas = append(replicas, Replica{k.Region, k.DeletionDate})
		}
	}
	return sortedReplicas(replicas)
}

// Await returns the key with m as its only pending material, by ID. A nil m means that no material is pending.
func (k Key) Await(m *Material) Key {
	switch {
	case m == nil:
		k.Pending = nil
	case k.Pending == nil || k.Pending.ID != m.ID:
		k.Pending = &Material{ID: m.ID}
	}
	return k
}

// AwaitsOther reports whether the pending material of the key is different from before, for another reason than
// a rotation that made the pending material current.
func (k Key) AwaitsOther(before Key) bool {
	var waited, waits string
	if before.Pending != nil {
		waited = before.Pending.ID
	}
	if k.Pending != nil {
		waits = k.Pending.ID
	}
	_, associated := k.Material(waited)
	return waits != waited && !associated
}
