package material

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A key that is sealed for the slots of another deployment has the same materials. The former slots do not open them. If
// a slot cannot be read or written, there is no key.
func TestResealKey(t *testing.T) {
	v := newVaultTest(t)
	from := NewSealer(v.slots, v.Vault.seals)
	sealed := func(id string, b byte) key.Material {
		m, err := from.Seal(t.Context(), v.key, id, bytes.Repeat([]byte{b}, 32))
		if err != nil {
			t.Fatal(err)
		}
		m.ValidTo = time.Unix(int64(b), 0)
		return m
	}
	k := v.key
	k.Materials = []key.Material{sealed("1", 1), {ID: "deleted"}, sealed("2", 2)}
	pending := sealed("3", 3)
	withPending := k
	withPending.Pending = &pending
	for name, k := range map[string]key.Key{"a key": k, "a key with pending material": withPending, "a key without material": v.key} {
		slots := &watchedSlots{Slots: memory.NewSlots()}
		to := NewSealer(slots, v.Vault.seals)
		got, err := ResealKey(t.Context(), from, to, k)
		if err != nil || len(got.Materials) != len(k.Materials) || (got.Pending == nil) != (k.Pending == nil) {
			t.Fatalf("%s: %+v, %v", name, got, err)
		}
		was, now := k.Materials, got.Materials
		if k.Pending != nil {
			was, now = append(was[:len(was):len(was)], *k.Pending), append(now[:len(now):len(now)], *got.Pending)
		}
		for i, m := range now {
			if m.ID != was[i].ID || !m.ValidTo.Equal(was[i].ValidTo) || m.Present() != was[i].Present() {
				t.Errorf("%s: %+v became %+v", name, was[i], m)
			}
			if !m.Present() {
				continue
			}
			before, err := from.Open(t.Context(), k, was[i])
			after, err2 := to.Open(t.Context(), k, m)
			if !bytes.Equal(before, after) || errors.Join(err, err2) != nil {
				t.Errorf("%s: material %s is other material, %v, %v", name, m.ID, err, err2)
			}
			if _, err := from.Open(t.Context(), k, m); err == nil {
				t.Errorf("%s: the former slots open the new material %s", name, m.ID)
			}
		}
		for range now {
			v.slots.fail = errBroken
			if _, err := ResealKey(t.Context(), from, to, k); len(k.Slots()) > 0 && !errors.Is(err, errBroken) {
				t.Errorf("%s without a slot of the former store: %v", name, err)
			}
			v.slots.fail = nil
			slots.fail = errBroken
			if _, err := ResealKey(t.Context(), from, to, k); len(k.Slots()) > 0 && !errors.Is(err, errBroken) {
				t.Errorf("%s without a slot of the new store: %v", name, err)
			}
			slots.fail = nil
		}
	}
	only := v.key
	only.Pending = &pending
	v.slots.fail = errBroken
	if _, err := ResealKey(t.Context(), from, from, only); !errors.Is(err, errBroken) {
		t.Errorf("without the slot of the pending material: %v", err)
	}
}

// A token key that is sealed for the slots of another deployment is the same key.
func TestResealTokenKey(t *testing.T) {
	v := newVaultTest(t)
	want, err := v.keys.ForSealing(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := v.keys.ring(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k, _ := ring.Of(5)
	slots := &watchedSlots{Slots: memory.NewSlots()}
	moved, err := ResealTokenKey(t.Context(), v.keys.sealer, v.slots, slots, k)
	if err != nil || moved.Hour != 5 {
		t.Fatal(moved, err)
	}
	if got, err := OpenTokenKey(t.Context(), slots, v.keys.sealer, moved); err != nil || !bytes.Equal(got, want) {
		t.Errorf("another key, %v", err)
	}
	if _, err := OpenTokenKey(t.Context(), v.slots, v.keys.sealer, moved); err == nil {
		t.Error("the former slots open the new record")
	}
	for _, s := range []*watchedSlots{v.slots, slots} {
		s.fail = errBroken
		if moved, err := ResealTokenKey(t.Context(), v.keys.sealer, v.slots, slots, k); !errors.Is(err, errBroken) || s == slots && moved.Slot != "" {
			t.Errorf("without a slot: %+v, %v", moved, err)
		}
	}
}
