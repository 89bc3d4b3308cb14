package material

import (
	"testing"

	"github.com/keyhold/keyhold/internal/crypt"
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
