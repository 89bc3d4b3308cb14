package material

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// HourOf returns the number of hours from 1970 to a time.
func HourOf(t time.Time) int64 { return t.Unix() / 3600 }

// TokenKeys provides the token keys, and makes one for each hour in which a token is sealed.
type TokenKeys struct {
	vault  *Vault
	sealer seal.Sealer
	fences Fences

	making sync.Mutex // held while a key is looked for and made, during which the store may be slow

	mu     sync.Mutex       // held only for the use of opened, so that the sweep does not wait for the store
	opened map[int64][]byte // by hour
}

// Fences keep a transaction from naming a slot that is erased because no record named it (Reclaimer).
type Fences interface {
	// Fence returns what a transaction holds that names slots which are put afterwards.
	Fence() int64
	// HoldSlots makes the transaction conflict, and then fail, if the slots may be erased already.
	HoldSlots(tx *store.Tx, fence int64) error
}

// NewTokenKeys returns the token keys of the deployment whose material the Vault holds.
func NewTokenKeys(v *Vault, s seal.Sealer, f Fences) *TokenKeys {
	return &TokenKeys{vault: v, sealer: s, fences: f}
}

// ForSealing returns the token key of the hour. The caller clears the key.
func (t *TokenKeys) ForSealing(ctx context.Context, hour int64) ([]byte, error) {
	t.making.Lock()
	defer t.making.Unlock()
	k, err := t.find(ctx, hour)
	if k != nil || err != nil {
		return k, err
	}
	if err := t.add(ctx, hour); err != nil {
		return nil, err
	}
	return t.find(ctx, hour)
}

// add makes a token key and adds it to the ring.
func (t *TokenKeys) add(ctx context.Context, hour int64) error {
	fence := t.fences.Fence()
	fresh, err := t.make(ctx, hour)
	if err != nil {
		return err
	}
	err = t.vault.store.Update(ctx, func(tx *store.Tx) error {
		if err := t.fences.HoldSlots(tx, fence); err != nil {
			return err
		}
		return addTokenKey(tx, fresh)
	})
	if err == nil || errors.Is(err, store.ErrFailed) || errors.Is(err, store.ErrUnknown) {
		return err
	}
	return errors.Join(err, t.vault.Discard(ctx, fresh.Slot))
}

// ForOpening returns the token key of the hour, or nil if there is none. The caller clears the key.
func (t *TokenKeys) ForOpening(ctx context.Context, hour int64) ([]byte, error) {
	t.making.Lock()
	defer t.making.Unlock()
	return t.find(ctx, hour)
}

// addTokenKey adds the key to the ring, unless an earlier commit of unknown outcome has added it. If
// another process has already added a key for the hour, that key stays and this one is left for erasure.
func addTokenKey(tx *store.Tx, fresh records.TokenKey) error {
	ring, _, err := records.TokenRings.Get(tx, records.TokenRingPath)
	if err != nil {
		return err
	}
	switch kept, exists := ring.Of(fresh.Hour); {
	case exists && kept.Slot == fresh.Slot:
		return nil
	case exists:
		return records.NoteErasures(tx, []string{fresh.Slot})
	}
	ring.Keys = append(ring.Keys, fresh)
	return records.TokenRings.Put(tx, records.TokenRingPath, ring)
}

func (t *TokenKeys) make(ctx context.Context, hour int64) (records.TokenKey, error) {
	k := crypt.NewTokenKey()
	defer clear(k)
	return sealTokenKey(ctx, t.sealer, t.vault.slots, hour, k)
}

// OpenTokenKey opens the record of a token key.
func OpenTokenKey(ctx context.Context, slots store.Slots, s seal.Sealer, k records.TokenKey) ([]byte, error) {
	secret, err := slots.Get(ctx, k.Slot)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	return s.Under(secret).Open(tokenKeyPlace(k.Hour), k.Sealed)
}

func tokenKeyPlace(hour int64) []byte { return strconv.AppendInt(nil, hour, 10) }

// find returns a copy of the opened key of the hour, or nil. It keeps the key in memory.
func (t *TokenKeys) find(ctx context.Context, hour int64) ([]byte, error) {
	if k := t.remembered(hour); k != nil {
		return k, nil
	}
	kept, err := t.ring(ctx)
	if err != nil {
		return nil, err
	}
	sealed, ok := kept.Of(hour)
	if !ok {
		return nil, nil
	}
	k, err := OpenTokenKey(ctx, t.vault.slots, t.sealer, sealed)
	if err != nil {
		return nil, err
	}
	t.remember(hour, k)
	return k, nil
}

func (t *TokenKeys) remembered(hour int64) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.opened[hour])
}

// remember keeps a copy of a key, which forget clears.
func (t *TokenKeys) remember(hour int64, k []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opened == nil {
		t.opened = map[int64][]byte{}
	}
	t.opened[hour] = bytes.Clone(k)
}

func (t *TokenKeys) ring(ctx context.Context) (ring records.TokenRing, err error) {
	err = t.vault.store.View(ctx, func(v *store.View) error {
		ring, _, err = records.TokenRings.Get(v, records.TokenRingPath)
		return err
	})
	return ring, err
}

// DestroyOld destroys the keys that are no longer needed at the hour, also in memory if another node
// has removed them from the ring.
func (t *TokenKeys) DestroyOld(ctx context.Context, hour int64) error {
	ring, err := t.ring(ctx)
	if err != nil {
		t.forget(func(h int64) bool { return isOld(h, hour) })
		return err
	}
	t.forget(func(h int64) bool {
		_, listed := ring.Of(h)
		return !listed || isOld(h, hour)
	})
	if _, left := ring.Without(hour); len(left) == 0 {
		return nil
	}
	var left []string
	err = t.vault.store.Update(ctx, func(tx *store.Tx) (err error) {
		left, err = removeOld(tx, hour)
		return err
	})
	if errors.Is(err, store.ErrUnknown) || err == nil && len(left) == 0 {
		t.vault.NoteUnerased() // the keys may have been removed by an earlier commit, or by another node
	}
	if err != nil {
		return err
	}
	return t.vault.Erase(ctx, left)
}

// removeOld removes the keys that are no longer needed at the hour from the ring, notes their
// erasure, and returns their slots.
func removeOld(tx *store.Tx, hour int64) (left []string, err error) {
	ring, _, err := records.TokenRings.Get(tx, records.TokenRingPath)
	if err != nil {
		return nil, err
	}
	ring, left = ring.Without(hour)
	if len(left) == 0 {
		return nil, nil
	}
	return left, errors.Join(records.NoteErasures(tx, left), records.TokenRings.Put(tx, records.TokenRingPath, ring))
}

// forget clears the opened keys of some hours.
func (t *TokenKeys) forget(of func(hour int64) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h, k := range t.opened {
		if of(h) {
			clear(k)
			delete(t.opened, h)
		}
	}
}

// isOld reports whether the token key of an hour is no longer needed.
func isOld(of, hour int64) bool { return of < hour-records.TokenKeyHours }
