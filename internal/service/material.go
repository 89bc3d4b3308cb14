package service

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// sealMaterial returns the record of material in a key: sealed a second time, so
// that reading the record of the key does not open it, and under the secret of a
// new slot, so that it can be erased.
func (c *call) sealMaterial(k key.Key, id string, material []byte) (key.Material, error) {
	secret := randomSecret()
	defer clear(secret)
	sealed, err := c.materials.Under(secret).Seal(materialPlace(k, id), material)
	if err != nil {
		return key.Material{}, err
	}
	slot, err := c.slots.Put(c.ctx, secret)
	if err != nil {
		return key.Material{}, err
	}
	c.written = append(c.written, slot)
	return key.Material{ID: id, Sealed: sealed, Slot: slot}, nil
}

// randomSecret returns a secret for a slot.
func randomSecret() []byte {
	b := make([]byte, store.SlotSize)
	rand.Read(b) // never fails: the program ends first (crypto/rand)
	return b
}

// withMaterial calls use, which keeps nothing of it, with the key of a material
// that is present. K is what the key must be able to do, as the table of suites
// has promised.
func withMaterial[K any](ctx context.Context, s *Service, k key.Key, m key.Material, use func(K) error) error {
	return s.opened.with(m.Slot, func() (made crypt.Key, err error) {
		crypt.Secretly(func() {
			var material []byte
			if material, err = s.openMaterial(ctx, k, m); err == nil {
				made, err = crypt.Open(string(k.Spec), material)
				clear(material)
			}
		})
		return made, err
	}, func(made crypt.Key) error {
		can, ok := made.(K)
		if !ok {
			return fmt.Errorf("material of the spec %s, a %T, cannot do this", k.Spec, made)
		}
		return use(can)
	})
}

// withCurrent is withMaterial with the current material of a key, which one in a
// state that lets it be used has.
func withCurrent[K any](c *call, k key.Key, use func(K) error) error {
	m, _ := k.Current()
	// The turn is waited for before the material is in use, because whoever erases
	// material waits until nobody uses it.
	return c.compute(effortsOf[k.Spec].using, func() error {
		return withMaterial(c.ctx, c.Service, k, m, use)
	})
}

func (s *Service) openMaterial(ctx context.Context, k key.Key, m key.Material) ([]byte, error) {
	secret, err := s.slots.Get(ctx, m.Slot)
	if err != nil {
		return nil, fmt.Errorf("material %s of %s: %w", m.ID, k.ARN(), err)
	}
	defer clear(secret)
	material, err := s.materials.Under(secret).Open(materialPlace(k, m.ID), m.Sealed)
	if err != nil {
		return nil, fmt.Errorf("material %s of %s: %w", m.ID, k.ARN(), err)
	}
	return material, nil
}

// materialPlace binds sealed material to what it belongs to.
func materialPlace(k key.Key, materialID string) []byte {
	return []byte(k.ARN() + " " + materialID + " " + string(k.Spec))
}
