package material

import (
	"context"

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
