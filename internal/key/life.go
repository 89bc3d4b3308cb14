package key

import "time"

// The waiting period of ScheduleKeyDeletion, in days.
const (
	MinDeletionWindow     = 7
	MaxDeletionWindow     = 30
	DefaultDeletionWindow = 30
)

// MaxValidity is the longest time between an import and its ValidTo.
const MaxValidity = 365 * 24 * time.Hour

// ImportMaterial returns the key with the sealed material m. The first import associates the material with the
// key permanently. Later imports must have the ID of a material that the key already knows; they restore bytes
// that were deleted or expired, or set another ValidTo. A nil description keeps the previous one.
func (k Key) ImportMaterial(m Material, description *string) (Key, error) {
	if k.Pending != nil && k.Pending.ID == m.ID {
		m = m.inherit(*k.Pending, description)
		k.Pending = &m
		return k, nil
	}
	i := k.materialIndex(m.ID)
	if i < 0 && len(k.Materials) > 0 {
		return Key{}, Errorf(KindIncorrectKeyMaterial, "The key material in the request does not match the key material "+
			"that is associated with %s.", k.ARN())
	}
	var former Material
	if i >= 0 {
		former = k.Materials[i]
	}
	k = k.withMaterial(i, m.inherit(former, description))
	// A disabled key still has its material. This import only renews it, so the key stays disabled.
	if k.State == PendingImport && k.complete() {
		k.State = Enabled
	}
	return k, nil
}

// inherit returns m with the attributes of former, which has the same ID, and with the description if there is one.
func (m Material) inherit(former Material, description *string) Material {
	m.Description, m.RotationDate, m.RotationType = former.Description, former.RotationDate, former.RotationType
	if description != nil {
		m.Description = *description
	}
	return m
}

// ImportNewMaterial returns the key with the sealed material m, which must be new to it. The first material of
// a key is associated with it at once. Later material is pending, one at a time, and is not associated with the
// key until a rotation makes it current.
func (k Key) ImportNewMaterial(m Material, description *string) (Key, error) {
	_, known := k.Material(m.ID)
	switch {
	case known, k.Pending != nil && k.Pending.ID == m.ID:
		return Key{}, Errorf(KindIncorrectKeyMaterial, "The key material in the request is already associated with %s.",
			k.ARN())
	case len(k.Materials) == 0:
		return k.ImportMaterial(m, description)
	case k.Spec != SymmetricDefault:
		return Key{}, Errorf(KindUnsupportedOperation, "%s keeps the key material that was imported first: only symmetric "+
			"encryption keys take new key material.", k.ARN())
	case k.Pending != nil:
		return Key{}, Errorf(KindInvalidState, "New key material (id: %s) cannot be imported into KMS key %s, because "+
			"another key material (id: %s) is pending rotation.", m.ID, k.ARN(), k.Pending.ID)
	}
	m = m.inherit(Material{}, description)
	k.Pending = &m
	return k, nil
}

// DeleteMaterial returns the key without the bytes of the material with the given ID, or of the current
// material if id is empty. It has no effect if these bytes are not present. Pending material is forgotten, and
// other material can be imported instead; a replica keeps the ID of the material that is pending in its primary
// key.
func (k Key) DeleteMaterial(id string) (Key, error) {
	if k.Pending != nil && k.Pending.ID == id {
		return k.withoutPending(), nil
	}
	if id == "" {
		m, ok := k.Current()
		if !ok {
			return k, nil
		}
		id = m.ID
	}
	i := k.materialIndex(id)
	if i < 0 {
		return Key{}, Errorf(KindNotFound, "Key material %s is not associated with %s.", id, k.ARN())
	}
	return k.withoutMaterial(i), nil
}

// Enable returns the key in state Enabled. An automatic rotation that became due while the key could not be
// rotated is due immediately, and the next one a full period later. Source: GetKeyRotationStatus in the API
// reference.
func (k Key) Enable(now time.Time) Key {
	k.State = Enabled
	if due := k.rotationDue(); !due.IsZero() && due.Before(now) {
		k.Rotation.Next = now.Truncate(time.Second)
	}
	return k
}

// Disable returns the key in state Disabled.
func (k Key) Disable() Key {
	k.State = Disabled
	return k
}

// CheckDeletionWindow returns an Error unless a key deletion may have a waiting period of this many days. The
// API model allows 1 to 365 days; the service allows fewer.
func CheckDeletionWindow(days int) error {
	if days < MinDeletionWindow || days > MaxDeletionWindow {
		return Errorf(KindValidation, "PendingWindowInDays must be between %d and %d.", MinDeletionWindow, MaxDeletionWindow)
	}
	return nil
}

// ScheduleDeletion returns the key in state PendingDeletion, to be deleted after the given number of days. A
// primary key with replicas becomes PendingReplicaDeletion, and its waiting period starts when the last replica
// is gone.
func (k Key) ScheduleDeletion(days int, now time.Time) Key {
	if len(k.MultiRegion.Replicas) > 0 {
		k.State, k.MultiRegion.DeletionWindow = PendingReplicaDeletion, days
		return k
	}
	k.State, k.MultiRegion.DeletionWindow = PendingDeletion, 0
	k.DeletionDate = now.Add(time.Duration(days) * 24 * time.Hour)
	return k
}

// CancelDeletion returns the key in state Disabled, or in PendingImport if material is missing, because
// EnableKey must not enable a key without its material.
func (k Key) CancelDeletion() Key {
	k.State, k.DeletionDate, k.MultiRegion.DeletionWindow = Disabled, time.Time{}, 0
	if !k.complete() {
		k.State = PendingImport
	}
	return k
}
