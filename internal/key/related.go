package key

import (
	"slices"
	"strings"
	"time"
)

// Related are keys that have their materials in common, and are rotated together: a
// multi-Region primary key, which is the first, and its replicas behind it. A
// single-Region key is alone.
type Related []Key

// awaiting returns the keys, each of which knows what waits in the primary key.
func (r Related) awaiting() Related {
	all := slices.Clone(r)
	for i, k := range r {
		all[i] = k.Await(r[0].Pending)
	}
	return all
}

// Lacking returns the Regions whose keys must be given the material that waits, before
// it can become the current one. A key that is to be deleted need not have it: should
// its deletion be cancelled later, then it lacks the material as it would lack any.
func (r Related) Lacking(now time.Time) (regions []string) {
	for _, k := range r.awaiting() {
		k = k.At(now)
		if k.State != PendingDeletion && k.Pending != nil && !k.Pending.Present() {
			regions = append(regions, k.Region)
		}
	}
	return regions
}

// CheckOnDemand tells whether the keys can be rotated on demand now: nil or an Error.
func (r Related) CheckOnDemand(now time.Time) error {
	if err := r[0].CheckOnDemand(now); err != nil {
		return err
	}
	if lacking := r.Lacking(now); len(lacking) > 0 {
		return Errorf(KindInvalidState, "Key material %s is pending import: %s cannot be rotated before its replica keys have it, and those in %s do not.",
			r[0].Pending.ID, r[0].ARN(), strings.Join(lacking, ", "))
	}
	return nil
}

// RotateOnDemand returns the keys with other current material, each with its own copy:
// with that which waits, if their owner imports it, and else with what was generated,
// for one after the other.
func (r Related) RotateOnDemand(generated []Material, now time.Time) (Related, error) {
	if err := r.CheckOnDemand(now); err != nil {
		return nil, err
	}
	rotated := r.awaiting()
	for i, k := range rotated {
		rotated[i] = k.rotateOnDemand(generated[i], now)
	}
	return rotated, nil
}

// Rotate returns the keys, an automatic rotation of which is due, with what was
// generated for one after the other as current material.
func (r Related) Rotate(generated []Material, now time.Time) Related {
	rotated := slices.Clone(r)
	rotated[0] = r[0].Rotate(generated[0], now)
	for i, k := range r[1:] {
		rotated[i+1] = k.withCurrent(generated[i+1], RotationAutomatic, now)
	}
	return rotated
}

// MovePrimary returns the keys with that of a Region, which is one of them, as the
// primary key. What was planned stays so, and what waits goes on waiting: the next
// primary key must have it.
func (r Related) MovePrimary(region string, now time.Time) (Related, error) {
	all := r.awaiting()
	if slices.Contains(all.Lacking(now), region) {
		return nil, Errorf(KindInvalidState, "Key material %s is pending import into the key in %s, which cannot take the place of %s without it.", r[0].Pending.ID, region, r[0].ARN())
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

// othersThan returns what the primary key of a Region knows of the others.
func (r Related) othersThan(region string) (replicas []Replica) {
	for _, k := range r {
		if k.Region != region {
			replicas = append(replicas, Replica{k.Region, k.DeletionDate})
		}
	}
	return sortedReplicas(replicas)
}

// Await returns a key that knows which material waits in its primary key, nil for none,
// and takes that one and no other. Other material that waits here is forgotten.
func (k Key) Await(m *Material) Key {
	switch {
	case m == nil:
		k.Pending = nil
	case k.Pending == nil || k.Pending.ID != m.ID:
		k.Pending = &Material{ID: m.ID}
	}
	return k
}

// AwaitsOther reports whether something else waits in the key than did before, and
// not because a rotation made current what waited.
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
