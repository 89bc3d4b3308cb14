package key

import (
	"slices"
	"time"
)

// A Key is the record of one KMS key. A zero time means that the date is not set. Keys are values: methods
// return a changed copy.
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
	Materials    []Material `json:"materials,omitempty"`   // all that were ever associated, the current one last
	Pending      *Material  `json:"pending,omitempty"`     // imported, becomes current with the next rotation
	Rotation     Rotation   `json:"rotation,omitzero"`     // automatic; of related keys, the primary key has it

	// MultiRegion is set in multi-Region keys.
	MultiRegion MultiRegion `json:"multiRegion,omitzero"`

	// Listed is where the index of due times lists the key, if that is earlier than Due. Use ListedAt.
	Listed time.Time `json:"listed,omitzero"`

	// Short is the text of the key as its record contains it. It is nil if the text has a record of its own.
	Short *Text `json:"text,omitempty"`

	// These fields are read from the text of the key.
	Description string `json:"-"`
	Policy      string `json:"-"`
	Tags        []Tag  `json:"-"`
}

// A Material is one key material. Material that a key is permanently associated with stays in the key's record
// when its bytes are deleted or expire, so that the same bytes can be imported again, and only these.
type Material struct {
	ID          string    `json:"id"`               // 64 lower-case hexadecimal digits
	Description string    `json:"-"`                // in the Text of the key
	ValidTo     time.Time `json:"validTo,omitzero"` // zero: does not expire
	Sealed      []byte    `json:"sealed,omitempty"` // nil: deleted or expired
	Slot        string    `json:"slot,omitzero"`    // holds the secret that is needed to open Sealed

	// RotationDate and RotationType describe the rotation that made this material current. They are zero in the
	// first material of a key and in pending material.
	RotationDate time.Time    `json:"rotationDate,omitzero"`
	RotationType RotationType `json:"rotationType,omitzero"`
}

// Present reports whether the bytes of the material are available.
func (m Material) Present() bool { return len(m.Sealed) > 0 }

// ExpirationModel returns the API's name for whether the material expires.
func (m Material) ExpirationModel() ExpirationModel {
	if m.ValidTo.IsZero() {
		return MaterialDoesNotExpire
	}
	return MaterialExpires
}

// ARN returns the Amazon Resource Name of the key.
func (k Key) ARN() string { return KeyARN(k.Account, k.Region, k.ID) }

// Current returns the material that new encryptions use. ok is false if the key has never had material.
func (k Key) Current() (m Material, ok bool) {
	if len(k.Materials) == 0 {
		return Material{}, false
	}
	return k.Materials[len(k.Materials)-1], true
}

// Material returns the associated material with the given ID.
func (k Key) Material(id string) (m Material, ok bool) {
	i := k.materialIndex(id)
	if i < 0 {
		return Material{}, false
	}
	return k.Materials[i], true
}

// Expiration returns when the key first loses material: the earliest expiry among the associated materials that
// are present. validTo is zero if none of them expires. ok is false if no material is present.
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

// FirstExpiry returns the earliest expiry of material that is present, pending material included, or the zero time.
func (k Key) FirstExpiry() (first time.Time) {
	for _, m := range k.AllMaterials() {
		if m.Present() && earlier(m.ValidTo, first) {
			first = m.ValidTo
		}
	}
	return first
}

// earlier reports whether t is before u. A zero time counts as never.
func earlier(t, u time.Time) bool { return !t.IsZero() && (u.IsZero() || t.Before(u)) }

// At returns the key as of the given moment: without expired material, without replicas whose deletion date has
// passed, and in state Gone after its own deletion date. Callers therefore never depend on a timer. At does not
// carry out a rotation that is due. An Encrypt before the sweep rotates the key uses the previous material, and this
// material can always decrypt the ciphertext.
func (k Key) At(now time.Time) Key {
	k = k.replicasAt(now)
	if k.State == Gone || k.State == PendingDeletion && !now.Before(k.DeletionDate) {
		return k.AsGone()
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

// expired reports whether the material is present although its ValidTo has passed.
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

// AllMaterials returns the associated materials followed by the pending one, if any.
func (k Key) AllMaterials() []Material {
	if k.Pending == nil {
		return k.Materials
	}
	return append(slices.Clone(k.Materials), *k.Pending)
}

// Due returns the next moment at which At changes the key or an automatic rotation is due, or the zero time.
func (k Key) Due() (due time.Time) {
	moments := []time.Time{k.DeletionDate, k.rotationDue(), k.FirstExpiry()}
	for _, r := range k.MultiRegion.Replicas {
		moments = append(moments, r.DeletionDate)
	}
	for _, t := range moments {
		if earlier(t, due) {
			due = t
		}
	}
	return due
}

// ListedAt returns the time at which the index of due times lists the key, or the zero time if it does not.
func (k Key) ListedAt() time.Time {
	if !k.Listed.IsZero() {
		return k.Listed
	}
	return k.Due()
}

// AsGone returns the key in state Gone, without material. The record of a key in this state may still exist.
func (k Key) AsGone() Key {
	k.State, k.Materials, k.Pending = Gone, nil, nil
	return k
}

// complete reports whether the key has material and the bytes of every associated material are present.
func (k Key) complete() bool {
	return len(k.Materials) > 0 && !slices.ContainsFunc(k.Materials, func(m Material) bool { return !m.Present() })
}

func (k Key) materialIndex(id string) int {
	return slices.IndexFunc(k.Materials, func(m Material) bool { return m.ID == id })
}

// withMaterial returns the key with material i replaced by m, or with m appended if i is -1.
func (k Key) withMaterial(i int, m Material) Key {
	k.Materials = slices.Clone(k.Materials)
	if i < 0 {
		k.Materials = append(k.Materials, m)
	} else {
		k.Materials[i] = m
	}
	return k
}

// withoutMaterial returns the key without the bytes of material i. The key becomes PendingImport unless it is
// pending deletion.
func (k Key) withoutMaterial(i int) Key {
	k = k.withMaterial(i, k.Materials[i].withoutBytes())
	if k.State != PendingDeletion && k.State != PendingReplicaDeletion {
		k.State = PendingImport
	}
	return k
}

// withoutPending returns the key without its pending material. A replica loses only the bytes and keeps the ID,
// because the primary key determines which material is pending.
func (k Key) withoutPending() Key {
	if !k.IsReplica() {
		k.Pending = nil
		return k
	}
	m := k.Pending.withoutBytes()
	k.Pending = &m
	return k
}

// withoutBytes returns the material without its bytes and the fields that describe them.
func (m Material) withoutBytes() Material {
	m.Sealed, m.Slot, m.ValidTo = nil, "", time.Time{}
	return m
}
