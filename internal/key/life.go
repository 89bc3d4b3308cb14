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
// import associates key and material for ever; from then on only the same
// material, which has the same ID, is taken, be it after a deletion, after an
// expiry, or over live bytes to give them another ValidTo. A nil description
// keeps the one that a former import gave.
func (k Key) ImportMaterial(m Material, description *string) (Key, error) {
	i := k.materialIndex(m.ID)
	if i < 0 && len(k.Materials) > 0 {
		return Key{}, Errorf(KindIncorrectKeyMaterial, "The key material in the request does not match the key material that is associated with %s.", k.ARN())
	}
	if description != nil {
		m.Description = *description
	} else if i >= 0 {
		m.Description = k.Materials[i].Description
	}
	k = k.withMaterial(i, m)
	// A disabled key has its material, so this import renews what was there and
	// the owner's wish to keep the key disabled stands.
	if k.State == PendingImport && k.complete() {
		k.State = Enabled
	}
	return k, nil
}

// DeleteMaterial returns the key without the bytes of the material of the given
// ID, or of the current one where id is empty. It has no effect on a key whose
// material is not there.
func (k Key) DeleteMaterial(id string) (Key, error) {
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

// Enable returns the key in state Enabled.
func (k Key) Enable() Key {
	k.State = Enabled
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
