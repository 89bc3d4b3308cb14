package records

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// PutKeys replaces stored keys, except for their texts, and updates the index of due times. It also writes one Erasure
// with the slots that the keys no longer name, and returns these slots. The caller erases them
// after the commit.
func PutKeys(tx *store.Tx, all ...key.Key) (left []string, err error) {
	for _, k := range all {
		slots, err := replaceKey(tx, k)
		if err != nil {
			return nil, err
		}
		left = append(left, slots...)
	}
	return left, NoteErasures(tx, left)
}

// replaceKey does what PutKeys does for one key, except for the Erasure. A text in the stored record stays there if k
// has none. The slots include those
// that related keys no longer name.
func replaceKey(tx *store.Tx, k key.Key) (left []string, err error) {
	path := PathOf(k)
	stored, _, err := Keys.Get(tx, path)
	if err != nil {
		return nil, err
	}
	k = keepListed(stored, k)
	if k.Short == nil {
		k.Short = stored.Short
	}
	if err := Keys.Put(tx, path, k); err != nil {
		return nil, err
	}
	if err := moveDue(tx, path, stored.ListedAt(), k.ListedAt()); err != nil {
		return nil, err
	}
	if err := errors.Join(updatePrimary(tx, stored, k), updateFamily(tx, stored, k)); err != nil {
		return nil, err
	}
	if left, err = updateReplicas(tx, stored, k); err != nil {
		return nil, err
	}
	for _, slot := range stored.Slots() {
		if !slices.Contains(k.Slots(), slot) {
			left = append(left, slot)
		}
	}
	return left, nil
}

// updateFamily writes the Region of the primary key when a key becomes the primary key.
func updateFamily(tx *store.Tx, stored, k key.Key) error {
	if !k.IsPrimary() || stored.IsPrimary() {
		return nil
	}
	return Families.Put(tx, FamilyPath(k), Family{k.Region})
}

// updatePrimary writes a changed deletion date of a replica into its primary key, which cannot be
// deleted before its replicas.
func updatePrimary(tx *store.Tx, stored, k key.Key) error {
	if !k.IsReplica() || k.DeletionDate.Equal(stored.DeletionDate) {
		return nil
	}
	primary, exists, err := Keys.Get(tx, KeyPath(k.Account, k.MultiRegion.Primary, k.ID))
	if err != nil || !exists {
		return err
	}
	_, err = replaceKey(tx, primary.WithReplicaDeletion(k.Region, k.DeletionDate)) // as stored, so it leaves no slot
	return err
}

// updateReplicas writes changed pending material of a primary key into its replicas, which drop
// their former pending material. It does nothing in a rotation, which writes the replicas itself.
func updateReplicas(tx *store.Tx, stored, k key.Key) (left []string, err error) {
	if !k.IsPrimary() || !stored.IsPrimary() || !k.AwaitsOther(stored) {
		return nil, nil
	}
	related, err := RelatedKeys(tx, k)
	if err != nil {
		return nil, err
	}
	for _, replica := range related[1:] {
		slots, err := replaceKey(tx, replica.Await(k.Pending))
		if err != nil {
			return nil, err
		}
		left = append(left, slots...)
	}
	return left, nil
}

// keepListed returns k with the time at which the index of due times lists the key from now on. A replica that becomes
// due later stays where it is, because one transaction can change 40 replicas, and each move takes two writes. The
// sweep moves the entry when its time comes (ListDue).
func keepListed(stored, k key.Key) key.Key {
	at, due := stored.ListedAt(), k.Due()
	k.Listed = time.Time{}
	if k.IsReplica() && !at.IsZero() && (due.IsZero() || at.Before(due)) {
		k.Listed = at
	}
	return k
}

// ListDue moves the entry of a stored key in the index of due times to the time at which the key is due.
func ListDue(tx *store.Tx, k key.Key) error {
	at := k.ListedAt()
	k.Listed = time.Time{}
	return errors.Join(Keys.Put(tx, PathOf(k), k), moveDue(tx, PathOf(k), at, k.Due()))
}

func moveDue(tx *store.Tx, path string, from, to time.Time) error {
	if from.Equal(to) {
		return nil
	}
	if !from.IsZero() {
		if err := Dues.Delete(tx, DuePath(from, path)); err != nil {
			return err
		}
	}
	if to.IsZero() {
		return nil
	}
	return Dues.Put(tx, DuePath(to, path), struct{}{})
}

// DuePath returns the path of a due entry. Paths sort by time: seconds since 1970 in 12 digits,
// enough for all dates of the API. A fraction of a second is rounded up, so that an entry never
// comes before its time.
func DuePath(t time.Time, keyPath string) string {
	return DueSecond(t.Add(time.Second-1)) + "/" + keyPath
}

// KeyPathOfDue returns the path of the key of a due entry.
func KeyPathOfDue(entry string) string { return entry[len(DueSecond(time.Time{}))+1:] }

func DueSecond(t time.Time) string { return fmt.Sprintf("%012d", t.Unix()) }

func NoteErasures(tx *store.Tx, slots []string) error {
	if len(slots) == 0 {
		return nil
	}
	return Erasures.Put(tx, slots[0], Erasure{Also: slots[1:]})
}
