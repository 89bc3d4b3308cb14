package material

import (
	"errors"
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
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
		return NewTokenKeys(NewVault(NewSealer(slots, keyring.Materials()), s, leaveNotes), keyring.TokenKeys())
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
