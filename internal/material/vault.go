package material

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// A Vault holds the material of a deployment: it keeps opened material in memory, and
// erases material for good. Its methods may be called concurrently.
type Vault struct {
	Sealer
	store    *store.Store
	clean    func(removal func(*store.Tx) error)
	opened   *cache
	erased   atomic.Bool  // whether something was, since TakeErased
	unerased atomic.Int64 // how often slots could not be overwritten, since all were
}

// NewVault returns the Vault of a deployment. It calls clean with the removal of a record
// that is not needed any more; clean carries out the removal in a later transaction.
func NewVault(s Sealer, records *store.Store, clean func(removal func(*store.Tx) error)) *Vault {
	return &Vault{Sealer: s, store: records, clean: clean, opened: newCache()}
}

// Close drops all opened material.
func (v *Vault) Close() { v.opened.close() }

// With calls use with the opened key of a material that is present. use must not keep the key.
// K is the interface of the operation; the table of suites ensures that the key implements it.
func With[K any](ctx context.Context, v *Vault, k key.Key, m key.Material, use func(K) error) error {
	return v.opened.with(m.Slot, func() (made crypt.Key, err error) {
		crypt.Secretly(func() {
			var material []byte
			if material, err = v.Open(ctx, k, m); err == nil {
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
