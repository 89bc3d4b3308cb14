package material

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// A Sealer seals material for the record of its key, and opens sealed material.
type Sealer struct {
	slots store.Slots
	seals seal.Sealer
}

// NewSealer returns the Sealer of a deployment: its slots, and the seal of material.
func NewSealer(slots store.Slots, s seal.Sealer) Sealer { return Sealer{slots, s} }

// Seal returns the record of material in a key. The material is sealed a second time, so that a
// reader of the key's record cannot open it, and under the secret of a new slot, so that it can
// be erased.
func (s Sealer) Seal(ctx context.Context, k key.Key, id string, material []byte) (key.Material, error) {
	secret := randomSecret()
	defer clear(secret)
	sealed, err := s.seals.Under(secret).Seal(place(k, id), material)
	if err != nil {
		return key.Material{}, err
	}
	endSpan := measure.Begin(ctx, "store.slot")
	slot, err := s.slots.Put(ctx, secret)
	endSpan(err)
	if err != nil {
		return key.Material{}, err
	}
	return key.Material{ID: id, Sealed: sealed, Slot: slot}, nil
}

// Open returns the bytes of a material whose bytes are present. The caller clears the bytes.
func (s Sealer) Open(ctx context.Context, k key.Key, m key.Material) ([]byte, error) {
	secret, err := s.slots.Get(ctx, m.Slot)
	if err != nil {
		return nil, fmt.Errorf("material %s of %s: %w", m.ID, k.ARN(), err)
	}
	defer clear(secret)
	material, err := s.seals.Under(secret).Open(place(k, m.ID), m.Sealed)
	if err != nil {
		return nil, fmt.Errorf("material %s of %s: %w", m.ID, k.ARN(), err)
	}
	return material, nil
}

// place returns the place of sealed material, which binds the material to its key and spec. Few allocations matter in
// secret mode.
func place(k key.Key, materialID string) []byte {
	arn := k.ARN()
	b := make([]byte, 0, len(arn)+len(materialID)+len(k.Spec)+2)
	b = append(append(append(b, arn...), ' '), materialID...)
	return append(append(b, ' '), k.Spec...)
}

// randomSecret returns a secret for a slot.
func randomSecret() []byte {
	b := make([]byte, store.SlotSize)
	rand.Read(b) // never fails: the program ends first (crypto/rand)
	return b
}
