package service

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// putKeys writes keys in the place of what is stored, keeps their places in the
// index of due times, and notes the slots that they leave, in the same transaction
// and in one note. It returns these slots, for the caller to erase after the commit.
func putKeys(tx *store.Tx, all ...key.Key) (left []string, err error) {
	for _, k := range all {
		slots, err := replaceKey(tx, k)
		if err != nil {
			return nil, err
		}
		left = append(left, slots...)
	}
	return left, noteErasures(tx, left)
}

// replaceKey is putKeys of one without the note. What it tells related keys counts as
// one with it.
func replaceKey(tx *store.Tx, k key.Key) (left []string, err error) {
	path := pathOf(k)
	stored, _, err := keys.Get(tx, path)
	if err != nil {
		return nil, err
	}
	if err := keys.Put(tx, path, k); err != nil {
		return nil, err
	}
	if err := moveDue(tx, path, stored.Due(), k.Due()); err != nil {
		return nil, err
	}
	if err := errors.Join(tellPrimary(tx, stored, k), tellFamily(tx, stored, k)); err != nil {
		return nil, err
	}
	if left, err = tellReplicas(tx, stored, k); err != nil {
		return nil, err
	}
	for _, slot := range stored.Slots() {
		if !slices.Contains(k.Slots(), slot) {
			left = append(left, slot)
		}
	}
	return left, nil
}

// tellFamily writes where the primary key is, when it comes to be another one.
func tellFamily(tx *store.Tx, stored, k key.Key) error {
	if !k.IsPrimary() || stored.IsPrimary() {
		return nil
	}
	return families.Put(tx, familyPath(k), family{k.Region})
}

// tellPrimary writes the deletion date of a replica, where it changes, into its
// primary key, which waits for it.
func tellPrimary(tx *store.Tx, stored, k key.Key) error {
	if !k.IsReplica() || k.DeletionDate.Equal(stored.DeletionDate) {
		return nil
	}
	primary, exists, err := keys.Get(tx, keyPath(k.Account, k.MultiRegion.Primary, k.ID))
	if err != nil || !exists {
		return err
	}
	_, err = replaceKey(tx, primary.WithReplicaDeletion(k.Region, k.DeletionDate)) // as stored, so it leaves no slot
	return err
}

// tellReplicas writes into the replicas of a primary key what waits for a rotation
// there, when that comes to be another material, or none: what waited in them before is
// forgotten. Of a rotation itself whoever carries it out tells them.
func tellReplicas(tx *store.Tx, stored, k key.Key) (left []string, err error) {
	if !k.IsPrimary() || !stored.IsPrimary() || !k.AwaitsOther(stored) {
		return nil, nil
	}
	related, err := relatedKeys(tx, k)
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

func moveDue(tx *store.Tx, path string, from, to time.Time) error {
	if from.Equal(to) {
		return nil
	}
	if !from.IsZero() {
		if err := dues.Delete(tx, duePath(from, path)); err != nil {
			return err
		}
	}
	if to.IsZero() {
		return nil
	}
	return dues.Put(tx, duePath(to, path), struct{}{})
}

// duePath sorts by time: seconds since 1970 in 12 digits, which last for as long
// as the dates of the API. A part of a second counts as a whole one, so that an
// entry never comes up before its time.
func duePath(t time.Time, keyPath string) string {
	return dueSecond(t.Add(time.Second-1)) + "/" + keyPath
}

// dueKeyPath returns the path of the key that an entry of the index is about.
func dueKeyPath(entry string) string { return entry[len(dueSecond(time.Time{}))+1:] }

func dueSecond(t time.Time) string { return fmt.Sprintf("%012d", t.Unix()) }

func noteErasures(tx *store.Tx, slots []string) error {
	if len(slots) == 0 {
		return nil
	}
	return erasures.Put(tx, slots[0], erasure{Also: slots[1:]})
}
