package material

import (
	"errors"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// An erasure also destroys the opened key of the material, with the key that HKDF has extracted.
func TestErasureDestroysWhatWasOpened(t *testing.T) {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	v := NewVault(NewSealer(memory.NewSlots(), keyring.Materials()), store.New(memory.New(), keyring.Records()), leaveNotes)
	slot, err := v.slots.Put(t.Context(), randomSecret())
	if err != nil {
		t.Fatal(err)
	}
	var kept crypt.Key
	if err := v.opened.with(slot, opens, func(k crypt.Key) error { kept = k; return works(k) }); err != nil {
		t.Fatal(err)
	}
	if err := v.Erase(t.Context(), []string{slot}); err != nil {
		t.Fatal(err)
	}
	if works(kept) == nil {
		t.Error("the key of the erased material still works")
	}
	if len(v.opened.materials) != 0 || v.opened.bytes != 0 {
		t.Errorf("%d opened materials of %d bytes are kept", len(v.opened.materials), v.opened.bytes)
	}
}

// An erasure that a stopped node has left is carried out after a while, and again by a second node without harm. Until
// then it is left to its node.
func TestErasuresOfOthersAreFinished(t *testing.T) {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	slots, s := memory.NewSlots(), store.New(memory.New(), keyring.Records())
	newNode := func() *Vault { return NewVault(NewSealer(slots, keyring.Materials()), s, leaveNotes) }
	a, b := newNode(), newNode()
	start := time.Now()
	sweep := func(after time.Duration) error {
		return errors.Join(a.SweepErasures(t.Context(), start.Add(after)), b.SweepErasures(t.Context(), start.Add(after)))
	}
	if err := sweep(0); err != nil {
		t.Fatal(err)
	}
	var left []string
	for range 3 {
		slot, err := slots.Put(t.Context(), randomSecret())
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, slot)
	}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return records.NoteErasures(tx, left) }); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{erasurePause, 2*erasurePause - 1} {
		if err := sweep(after); err != nil || len(inUse(t, slots)) != 3 {
			t.Errorf("after %v: %d slots are in use, %v", after, len(inUse(t, slots)), err)
		}
	}
	if err := sweep(2 * erasurePause); err != nil || len(inUse(t, slots)) != 0 {
		t.Errorf("at the end: %d slots are in use, %v", len(inUse(t, slots)), err)
	}
	if !a.TakeErased() || !b.TakeErased() {
		t.Error("one of the nodes left the erasure to the other, which may have stopped")
	}
}
