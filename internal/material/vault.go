package material

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A Vault holds the material of a deployment: it keeps opened material in memory, and erases
// material. Its methods may be called concurrently.
type Vault struct {
	Sealer
	store    *store.Store
	clean    func(removal func(*store.Tx) error)
	opened   *cache
	erased   atomic.Bool  // material was erased since TakeErased
	unerased atomic.Int64 // number of times that slots could not be overwritten, since the last complete erasure

	looked time.Time       // when SweepErasures last looked at the Erasures
	seen   map[string]bool // which Erasures were there, by path
}

// NewVault returns the Vault of a deployment. It calls clean with functions that remove records;
// clean calls them in a later transaction.
func NewVault(s Sealer, records *store.Store, clean func(removal func(*store.Tx) error)) *Vault {
	return &Vault{Sealer: s, store: records, clean: clean, opened: newCache()}
}

// Changed drops the opened material of the keys whose records were written at a revision, or all if paths is nil. It
// does not wait for requests that use the material (store.Store.OnChange).
func (v *Vault) Changed(_ int64, paths []string) {
	if paths == nil {
		v.opened.leaveAll()
	}
	for _, path := range paths {
		if of, ok := strings.CutPrefix(path, records.Keys.Prefix+"/"); ok {
			v.opened.leave(of)
		}
	}
}

// CacheLimit is the limit of CacheBytes.
const CacheLimit = maxOpenedBytes

// CacheBytes returns the memory of opened materials.
func (v *Vault) CacheBytes() int { return v.opened.size() }

// Close drops all opened material.
func (v *Vault) Close() { v.opened.close() }

// With calls use with the opened key of a material whose bytes are present. use must not keep the
// key. K is the interface of the operation; the table of suites ensures that the key implements
// it.
func With[K any](ctx context.Context, v *Vault, k key.Key, m key.Material, use func(K) error) error {
	return v.opened.with(m.Slot, func() (made crypt.Key, of string, err error) {
		crypt.Secretly(func() {
			var material []byte
			if material, err = v.Open(ctx, k, m); err == nil {
				made, err = crypt.Open(string(k.Spec), material)
				clear(material)
			}
		})
		return made, records.PathOf(k), err
	}, func(made crypt.Key) error {
		can, ok := made.(K)
		if !ok {
			return fmt.Errorf("material of the spec %s, a %T, cannot do this", k.Spec, made)
		}
		return use(can)
	})
}
