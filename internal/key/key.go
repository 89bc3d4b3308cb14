package key

import (
	"slices"
	"time"
)

// A Key is the record of one KMS key. The zero time means "not set" in each of
// its dates. Keys are values: every method returns a changed copy.
type Key struct {
	ID           string     `json:"id"`
	Account      string     `json:"account"`
	Region       string     `json:"region"`
	Spec         Spec       `json:"spec"`
	Usage        Usage      `json:"usage"`
	Origin       Origin     `json:"origin"`
	State        State      `json:"state"`
	CreationDate time.Time  `json:"creationDate"`
	DeletionDate time.Time  `json:"deletionDate,omitzero"` // set in PendingDeletion only
	Description  string     `json:"description,omitzero"`
	Policy       string     `json:"policy"`
	Tags         []Tag      `json:"tags,omitempty"`
	Materials    []Material `json:"materials,omitempty"` // all that the key was ever associated with, the current one last
	Pending      *Material  `json:"pending,omitempty"`   // waits for a rotation to make it current
	Rotation     Rotation   `json:"rotation,omitzero"`   // the automatic one; of related keys in the primary key alone

	// MultiRegion is set in a key that is one of several related ones.
	MultiRegion MultiRegion `json:"multiRegion,omitzero"`
}

// A Material is one key material. One that a key is permanently associated with
// stays in the record, by its ID, when its bytes are deleted or expired, so that
// the same bytes, and no others, can be imported again.
type Material struct {
	ID          string    `json:"id"` // 64 lower-case hexadecimal digits
	Description string    `json:"description,omitzero"`
	ValidTo     time.Time `json:"validTo,omitzero"` // zero: does not expire
	Sealed      []byte    `json:"sealed,omitempty"` // nil: deleted or expired
	Slot        string    `json:"slot,omitzero"`    // of the secret without which Sealed does not open

	// When a rotation made the material current, and of what type it was. The first
	// material of a key and a pending one have neither.
	RotationDate time.Time    `json:"rotationDate,omitzero"`
	RotationType RotationType `json:"rotationType,omitzero"`
}

// Present reports whether the bytes of the material are here.
func (m Material) Present() bool { return len(m.Sealed) > 0 }

// ExpirationModel tells whether the material expires.
func (m Material) ExpirationModel() ExpirationModel {
	if m.ValidTo.IsZero() {
		return MaterialDoesNotExpire
	}
	return MaterialExpires
}

// ARN returns the Amazon Resource Name of the key.
func (k Key) ARN() string { return KeyARN(k.Account, k.Region, k.ID) }

// Current returns the material that new encryptions use; ok is false when the
// key was never given one.
func (k Key) Current() (m Material, ok bool) {
	if len(k.Materials) == 0 {
		return Material{}, false
	}
	return k.Materials[len(k.Materials)-1], true
}

// Material returns the associated material of the given ID.
func (k Key) Material(id string) (m Material, ok bool) {
	i := k.materialIndex(id)
	if i < 0 {
		return Material{}, false
	}
	return k.Materials[i], true
}

// Expiration tells what is to be told of the expiry of the key as a whole: when
// the first of the materials that it is associated with, and that are here,
// expires. The zero time is never. ok is false when none is here.
func (k Key) Expiration() (model ExpirationModel, validTo time.Time, ok bool) {
	model = MaterialDoesNotExpire
	for _, m := range k.Materials {
		ok = ok || m.Present()
		if m.Present() && earlier(m.ValidTo, validTo) {
			model, validTo = MaterialExpires, m.ValidTo
		}
	}
	return model, validTo, ok
}

// earlier reports whether t is before u, where zero is never.
func earlier(t, u time.Time) bool { return !t.IsZero() && (u.IsZero() || t.Before(u)) }

// At returns the key as it is at the given moment: past ValidTo a material is
// gone, past the deletion date the key is, or a replica of it. No timer has to fire
// for the answer to be right. A rotation that is due is not in it: what is encrypted
// before the sweep carries it out is under the former material, which opens it for
// ever.
func (k Key) At(now time.Time) Key {
	k = k.replicasAt(now)
	if k.State == Gone || k.State == PendingDeletion && !now.Before(k.DeletionDate) {
		return k.Buried()
	}
	for i, m := range k.Materials {
		if m.expired(now) {
			k = k.withoutMaterial(i)
		}
	}
	if k.Pending != nil && k.Pending.expired(now) {
		k = k.withoutPending()
	}
	return k
}

// expired reports whether the bytes of the material are here past their time.
func (m Material) expired(now time.Time) bool {
	return m.Present() && !m.ValidTo.IsZero() && !now.Before(m.ValidTo)
}

// Slots returns the slots that the materials of the key are sealed under.
func (k Key) Slots() (slots []string) {
	for _, m := range k.AllMaterials() {
		if m.Slot != "" {
			slots = append(slots, m.Slot)
		}
	}
	return slots
}

// AllMaterials returns the materials that the key is associated with and, last, the
// one that waits for a rotation.
func (k Key) AllMaterials() []Material {
	if k.Pending == nil {
		return k.Materials
	}
	return append(slices.Clone(k.Materials), *k.Pending)
}

// Due returns the next moment at which At changes the key, or at which a rotation
// of it is due, or the zero time.
func (k Key) Due() (due time.Time) {
	moments := []time.Time{k.DeletionDate, k.rotationDue()}
	for _, r := range k.MultiRegion.Replicas {
		moments = append(moments, r.DeletionDate)
	}
	for _, m := range k.AllMaterials() {
		if m.Present() {
			moments = append(moments, m.ValidTo)
		}
	}
	for _, t := range moments {
		if earlier(t, due) {
			due = t
		}
	}
	return due
}

// Buried returns the key as it is past its deletion date: without material and
// for ever gone, though its record may still be there.
func (k Key) Buried() Key {
	k.State, k.Materials, k.Pending = Gone, nil, nil
	return k
}

// complete reports whether the bytes of every associated material are here.
func (k Key) complete() bool {
	return len(k.Materials) > 0 && !slices.ContainsFunc(k.Materials, func(m Material) bool { return !m.Present() })
}

func (k Key) materialIndex(id string) int {
	return slices.IndexFunc(k.Materials, func(m Material) bool { return m.ID == id })
}

// withMaterial returns the key with material i replaced, or added where i is -1.
func (k Key) withMaterial(i int, m Material) Key {
	k.Materials = slices.Clone(k.Materials)
	if i < 0 {
		k.Materials = append(k.Materials, m)
	} else {
		k.Materials[i] = m
	}
	return k
}

// withoutMaterial returns the key without the bytes of material i. A key that
// lacks any of its materials is PendingImport, unless it awaits its deletion.
func (k Key) withoutMaterial(i int) Key {
	k = k.withMaterial(i, k.Materials[i].lost())
	if k.State != PendingDeletion && k.State != PendingReplicaDeletion {
		k.State = PendingImport
	}
	return k
}

// withoutPending returns the key without the material that waits. In a replica its
// bytes alone are gone: which material waits is for the primary key to say.
func (k Key) withoutPending() Key {
	if !k.IsReplica() {
		k.Pending = nil
		return k
	}
	m := k.Pending.lost()
	k.Pending = &m
	return k
}

// lost returns what is known of a material whose bytes are gone.
func (m Material) lost() Material {
	m.Sealed, m.Slot, m.ValidTo = nil, "", time.Time{}
	return m
}
