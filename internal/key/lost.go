package key

import "time"

// WithoutLost returns the key without the bytes of the materials for which lost returns true, and whether there were
// any. It keeps the place of the key in the index of due times. A key of AWS_KMS origin loses its material only when it
// is removed, so it is Gone. dropPending forgets pending material that is lost, also in a replica, because its primary
// key has forgotten it too.
func (k Key) WithoutLost(lost func(slot string) bool, dropPending bool) (_ Key, any bool) {
	listed := k.ListedAt()
	for i, m := range k.Materials {
		if m.Present() && lost(m.Slot) {
			k, any = k.withoutMaterial(i), true
		}
	}
	if k.Pending != nil && k.Pending.Present() && lost(k.Pending.Slot) {
		k, any = k.withoutPending(), true
	}
	if k.Pending != nil && !k.Pending.Present() && dropPending {
		k.Pending, any = nil, true
	}
	if !any {
		return k, false
	}
	if k.Origin != OriginExternal {
		k = k.AsGone()
	}
	if k.Listed = (time.Time{}); !k.Due().Equal(listed) {
		k.Listed = listed
	}
	return k, true
}

// ExpireBy returns the key whose material with the given ID ends at a time, unless it ends earlier.
func (k Key) ExpireBy(id string, end time.Time) Key {
	if i := k.materialIndex(id); i >= 0 && k.Materials[i].Present() && earlier(end, k.Materials[i].ValidTo) {
		m := k.Materials[i]
		m.ValidTo = end
		return k.withMaterial(i, m)
	}
	return k
}
