package material

import (
	"context"
	"fmt"
	"slices"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// ResealKey returns the record of a key for another deployment's slots: each material is opened, and sealed again under
// a new slot of to. So the slots of one store never open material of the other one.
func ResealKey(ctx context.Context, from, to Sealer, k key.Key) (key.Key, error) {
	materials := make([]key.Material, len(k.Materials))
	for i, m := range k.Materials {
		var err error
		if materials[i], err = reseal(ctx, from, to, k, m); err != nil {
			return k, err
		}
	}
	if len(materials) > 0 {
		k.Materials = materials
	}
	if k.Pending == nil {
		return k, nil
	}
	pending, err := reseal(ctx, from, to, k, *k.Pending)
	k.Pending = &pending
	return k, err
}

func reseal(ctx context.Context, from, to Sealer, k key.Key, m key.Material) (_ key.Material, err error) {
	if !m.Present() {
		return m, nil
	}
	var sealed key.Material
	crypt.Secretly(func() {
		var opened []byte
		if opened, err = from.Open(ctx, k, m); err != nil {
			return
		}
		defer clear(opened)
		sealed, err = to.Seal(ctx, k, m.ID, opened)
	})
	m.Sealed, m.Slot = sealed.Sealed, sealed.Slot
	return m, err
}

// ResealTokenKey does what ResealKey does for a token key.
func ResealTokenKey(
	ctx context.Context, s seal.Sealer, from, to store.Slots, k records.TokenKey,
) (records.TokenKey, error) {
	opened, err := OpenTokenKey(ctx, from, s, k)
	if err != nil {
		return k, err
	}
	defer clear(opened)
	return sealTokenKey(ctx, s, to, k.Hour, opened)
}

// sealTokenKey seals a token key under a new slot.
func sealTokenKey(
	ctx context.Context, s seal.Sealer, slots store.Slots, hour int64, k []byte,
) (records.TokenKey, error) {
	secret := randomSecret()
	defer clear(secret)
	sealed, err := s.Under(secret).Seal(tokenKeyPlace(hour), k)
	if err != nil {
		return records.TokenKey{}, err
	}
	slot, err := slots.Put(ctx, secret)
	return records.TokenKey{Hour: hour, Slot: slot, Sealed: sealed}, err
}

// RenewKey returns the record of a key in which no material is sealed under a data key before a version, and whether
// there was such material. The material keeps its slot, so that nothing is written but the record.
func RenewKey(ctx context.Context, s Sealer, k key.Key, before uint32) (_ key.Key, renewed bool, err error) {
	renew := func(m key.Material) key.Material {
		if err == nil && m.Present() && seal.VersionOf(m.Sealed) < before {
			m, err = s.renew(ctx, k, m)
			renewed = true
		}
		return m
	}
	materials := slices.Clone(k.Materials)
	for i, m := range materials {
		materials[i] = renew(m)
	}
	var pending *key.Material
	if k.Pending != nil {
		pending = new(renew(*k.Pending))
	}
	k.Materials, k.Pending = materials, pending
	return k, renewed, err
}

// renew seals material again, under the slot that it has.
func (s Sealer) renew(ctx context.Context, k key.Key, m key.Material) (_ key.Material, err error) {
	secret, err := s.slots.Get(ctx, m.Slot)
	if err != nil {
		return m, fmt.Errorf("material %s of %s: %w", m.ID, k.ARN(), err)
	}
	defer clear(secret)
	crypt.Secretly(func() { m.Sealed, err = again(s.seals.Under(secret), place(k, m.ID), m.Sealed) })
	return m, err
}

// RenewTokenKeys does what RenewKey does for token keys, which seals seals.
func RenewTokenKeys(
	ctx context.Context, s Sealer, seals seal.Sealer, ring records.TokenRing, before uint32,
) (_ records.TokenRing, renewed bool, err error) {
	keys := slices.Clone(ring.Keys)
	for i, k := range keys {
		if seal.VersionOf(k.Sealed) >= before {
			continue
		}
		secret, err := s.slots.Get(ctx, k.Slot)
		if err != nil {
			return ring, false, fmt.Errorf("the token key of hour %d: %w", k.Hour, err)
		}
		keys[i].Sealed, err = again(seals.Under(secret), tokenKeyPlace(k.Hour), k.Sealed)
		clear(secret)
		if err != nil {
			return ring, false, err
		}
		renewed = true
	}
	return records.TokenRing{Keys: keys}, renewed, nil
}

// again opens a value and seals it again.
func again(s seal.Sealer, place, sealed []byte) ([]byte, error) {
	opened, err := s.Open(place, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(opened)
	return s.Seal(place, opened)
}
