package key

import "time"

// The deletion window of ScheduleKeyDeletion, in days.
const (
	MinDeletionWindow     = 7
	MaxDeletionWindow     = 30
	DefaultDeletionWindow = 30
)

// MaxValidity is how far ahead of an import its ValidTo may lie.
const MaxValidity = 365 * 24 * time.Hour

// ImportMaterial returns the key with the sealed material m in place. The first
// import associates key and material for ever; from then on only material that
// the key knows, which has the same ID, is taken, be it after a deletion, after an
// expiry, or over live bytes to give them another ValidTo. A nil description
// keeps the one that a former import gave.
func (k Key) ImportMaterial(m Material, description *string) (Key, error) {
	if k.Pending != nil && k.Pending.ID == m.ID {
		m = m.in(*k.Pending, description)
		k.Pending = &m
		return k, nil
	}
	i := k.materialIndex(m.ID)
	if i < 0 && len(k.Materials) > 0 {
		return Key{}, Errorf(KindIncorrectKeyMaterial, "The key material in the request does not match the key material that is associated with %s.", k.ARN())
	}
	var former Material
	if i >= 0 {
		former = k.Materials[i]
	}
	k = k.withMaterial(i, m.in(former, description))
	// A disabled key has its material, so this import renews what was there and
	// the owner's wish to keep the key disabled stands.
	if k.State == PendingImport && k.complete() {
		k.State = Enabled
	}
	return k, nil
}

// in returns the material in the place of a former one of the same ID: what belongs
// to the place stays.
func (m Material) in(former Material, description *string) Material {
	m.Description, m.RotationDate, m.RotationType = former.Description, former.RotationDate, former.RotationType
	if description != nil {
		m.Description = *description
	}
	return m
}

// ImportNewMaterial returns the key with the sealed material m, which it does not
// know. To the first it is associated at once; a later one waits, and one at a time,
// until a rotation makes it current: until then the key goes on as it was, and
// is not associated with it.
func (k Key) ImportNewMaterial(m Material, description *string) (Key, error) {
	_, known := k.Material(m.ID)
	switch {
	case known, k.Pending != nil && k.Pending.ID == m.ID:
		return Key{}, Errorf(KindIncorrectKeyMaterial, "The key material in the request is already associated with %s.", k.ARN())
	case len(k.Materials) == 0:
		return k.ImportMaterial(m, description)
	case k.Spec != SymmetricDefault:
		return Key{}, Errorf(KindUnsupportedOperation, "%s keeps the key material that was imported first: only symmetric encryption keys take new key material.", k.ARN())
	case k.Pending != nil:
		return Key{}, Errorf(KindInvalidState, "New key material (id: %s) cannot be imported into KMS key %s, because another key material (id: %s) is pending rotation.", m.ID, k.ARN(), k.Pending.ID)
	}
	m = m.in(Material{}, description)
	k.Pending = &m
	return k, nil
}

// DeleteMaterial returns the key without the bytes of the material of the given
// ID, or of the current one where id is empty. It has no effect on a key whose
// material is not there. Material that waits for a rotation is forgotten, and other
// material can be imported in its place; a replica takes what waits in its primary key
// again.
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

// Enable returns the key in state Enabled. A rotation that fell due while the key
// could not be rotated is due at once, and the next a whole period later
// ("GetKeyRotationStatus").
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

// CheckDeletionWindow tells whether a deletion may be scheduled that many days
// ahead: nil or an Error. The model of the API allows 1 to 365, the service less.
func CheckDeletionWindow(days int) error {
	if days < MinDeletionWindow || days > MaxDeletionWindow {
		return Errorf(KindValidation, "PendingWindowInDays must be between %d and %d.", MinDeletionWindow, MaxDeletionWindow)
	}
	return nil
}

// ScheduleDeletion returns the key in state PendingDeletion, to be gone after
// the given number of days. A primary key first waits for its replicas to be gone,
// in state PendingReplicaDeletion.
func (k Key) ScheduleDeletion(days int, now time.Time) Key {
	if len(k.MultiRegion.Replicas) > 0 {
		k.State, k.MultiRegion.DeletionWindow = PendingReplicaDeletion, days
		return k
	}
	k.State, k.MultiRegion.DeletionWindow = PendingDeletion, 0
	k.DeletionDate = now.Add(time.Duration(days) * 24 * time.Hour)
	return k
}

// CancelDeletion returns the key in state Disabled, or in PendingImport when its
// material is not there: a key without material must not become Enabled by
// EnableKey.
func (k Key) CancelDeletion() Key {
	k.State, k.DeletionDate, k.MultiRegion.DeletionWindow = Disabled, time.Time{}, 0
	if !k.complete() {
		k.State = PendingImport
	}
	return k
}
