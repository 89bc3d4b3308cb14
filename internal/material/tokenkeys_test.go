package material

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// leaveNotes does not remove Erasures.
func leaveNotes(func(*store.Tx) error) {}

func TestTokenKeysAreDestroyed(t *testing.T) {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(memory.New(), keyring.Records())
	ring := func() (ring records.TokenRing) {
		err := s.View(t.Context(), func(v *store.View) (err error) {
			ring, _, err = records.TokenRings.Get(v, records.TokenRingPath)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return ring
	}
	hours := func() (hours []int64) {
		for _, k := range ring().Keys {
			hours = append(hours, k.Hour)
		}
		return hours
	}
	slots := memory.NewSlots()
	newNode := func() *TokenKeys {
		return NewTokenKeys(NewVault(NewSealer(slots, keyring.Materials()), s, leaveNotes), keyring.TokenKeys(), storetest.Unfenced{})
	}
	node, other := newNode(), newNode()
	const first = 1000
	k, err := node.ForSealing(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	same, err := other.ForSealing(t.Context(), first)
	if err != nil || string(same) != string(k) {
		t.Errorf("two nodes seal with two keys in one hour (%v)", err)
	}
	if _, err := node.ForSealing(t.Context(), first+records.TokenKeyHours); err != nil {
		t.Fatal(err)
	}
	if got, err := other.ForOpening(t.Context(), first); err != nil || string(got) != string(k) {
		t.Errorf("the key of an hour is gone after %d hours (%v)", records.TokenKeyHours, err)
	}
	if _, err := node.ForSealing(t.Context(), first+records.TokenKeyHours+1); err != nil {
		t.Fatal(err)
	}
	slot := ring().Keys[0].Slot
	if err := node.DestroyOld(t.Context(), first+records.TokenKeyHours+1); err != nil {
		t.Fatal(err)
	}
	if len(other.opened) != 1 {
		t.Fatalf("the other node has %d opened keys", len(other.opened))
	}
	if err := other.DestroyOld(t.Context(), first+records.TokenKeyHours); err != nil || len(other.opened) > 0 {
		t.Errorf("the other node, whose clock is behind, keeps %d opened keys that left the ring (%v)", len(other.opened), err)
	}
	if got := hours(); !slices.Equal(got, []int64{first + records.TokenKeyHours, first + records.TokenKeyHours + 1}) {
		t.Errorf("kept are the keys of the hours %v", got)
	}
	if _, err := slots.Get(t.Context(), slot); !errors.Is(err, store.ErrNoSlot) {
		t.Errorf("the slot of a destroyed key: %v", err)
	}
	if got, err := newNode().ForOpening(t.Context(), first); got != nil || err != nil {
		t.Errorf("a destroyed key is found (%v)", err)
	}
}

// Old keys are destroyed although the outcome of their removal was unknown.
func TestTokenKeysAreDestroyedAfterUnknownOutcomes(t *testing.T) {
	const silent, lost = storetest.Silent, storetest.Lost
	for name, next := range map[string][]storetest.Fault{
		"made": {silent}, "lost": {lost}, "made and never known": {lost, lost, silent}, "lost three times": {lost, lost, lost},
	} {
		keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
		if err != nil {
			t.Fatal(err)
		}
		f, slots := &storetest.Faulty{Backend: memory.New()}, memory.NewSlots()
		s := store.New(f, keyring.Records())
		v := NewVault(NewSealer(slots, keyring.Materials()), s, leaveNotes)
		keys := NewTokenKeys(v, keyring.TokenKeys(), storetest.Unfenced{})
		const hour = 1000
		if _, err := keys.ForSealing(t.Context(), hour); err != nil {
			t.Fatal(err)
		}
		ring, err := keys.ring(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.Next = func(store.Batch) (fault storetest.Fault, _ time.Duration) {
			if len(next) > 0 {
				fault, next = next[0], next[1:]
			}
			return fault, 0
		}
		for range 2 { // sweeps
			err = errors.Join(v.SweepErasures(t.Context(), time.Now()), keys.DestroyOld(t.Context(), hour+records.TokenKeyHours+1))
		}
		if _, gone := slots.Get(t.Context(), ring.Keys[0].Slot); err != nil || !errors.Is(gone, store.ErrNoSlot) || len(keys.opened) > 0 {
			t.Errorf("%s: %v, the slot: %v, %d opened keys", name, err, gone, len(keys.opened))
		}
	}
}

// Old keys are cleared from memory even if the store cannot be read.
func TestOldTokenKeysAreForgottenWithoutTheStore(t *testing.T) {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(memory.New(), keyring.Records())
	keys := NewTokenKeys(NewVault(NewSealer(memory.NewSlots(), keyring.Materials()), s, leaveNotes), keyring.TokenKeys(), storetest.Unfenced{})
	const hour = 1000
	for _, h := range []int64{hour, hour + 1} {
		if _, err := keys.ForSealing(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	old := keys.opened[hour]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := keys.DestroyOld(ctx, hour+records.TokenKeyHours+1); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(keys.opened) != 1 || keys.opened[hour+1] == nil || !bytes.Equal(old, make([]byte, len(old))) {
		t.Errorf("%d keys are in memory, and the old one is not cleared", len(keys.opened))
	}
}

// Two nodes destroy old keys at once, and the clock of one is ahead. No slot is left.
func TestTokenKeysAreDestroyedByTwoNodes(t *testing.T) {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	f, slots := &storetest.Faulty{Backend: memory.New()}, memory.NewSlots()
	newNode := func(b store.Backend) *TokenKeys {
		s := store.New(b, keyring.Records())
		clean := func(removal func(*store.Tx) error) { // at once
			if err := s.Update(t.Context(), removal); err != nil {
				t.Error(err)
			}
		}
		return NewTokenKeys(NewVault(NewSealer(slots, keyring.Materials()), s, clean), keyring.TokenKeys(), storetest.Unfenced{})
	}
	behind, ahead := newNode(f), newNode(f.Backend)
	const hour = 1000
	for h := range int64(3) {
		if _, err := behind.ForSealing(t.Context(), hour+h); err != nil {
			t.Fatal(err)
		}
	}
	removed := false
	f.Next = func(store.Batch) (storetest.Fault, time.Duration) {
		if !removed { // the other node is faster
			removed = true
			if err := ahead.vault.store.Update(t.Context(), func(tx *store.Tx) error {
				_, err := removeOld(tx, hour+3+records.TokenKeyHours)
				return err
			}); err != nil {
				t.Error(err)
			}
		}
		return storetest.None, 0
	}
	if err := behind.DestroyOld(t.Context(), hour+1+records.TokenKeyHours); err != nil || !removed {
		t.Fatal(removed, err)
	}
	if used := inUse(t, slots); len(used) > 0 {
		t.Errorf("the slots %v are left", used)
	}
}

func inUse(t *testing.T, slots store.Slots) (names []string) {
	t.Helper()
	err := slots.Each(t.Context(), "", func(slot string, _ error) bool {
		names = append(names, slot)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
