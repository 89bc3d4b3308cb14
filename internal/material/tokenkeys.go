package material

import (
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

	mu     sync.Mutex
	opened map[int64][]byte // by hour
}

// NewTokenKeys returns the token keys of the deployment whose material the Vault holds.
func NewTokenKeys(v *Vault, s seal.Sealer) *TokenKeys { return &TokenKeys{vault: v, sealer: s} }

// ForSealing returns the token key of the hour.
func (t *TokenKeys) ForSealing(ctx context.Context, hour int64) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, err := t.find(ctx, hour)
	if k != nil || err != nil {
		return k, err
	}
	fresh, err := t.make(ctx, hour)
	if err != nil {
		return nil, err
	}
	if err := t.vault.store.Update(ctx, func(tx *store.Tx) error { return addTokenKey(tx, fresh) }); err != nil {
		return nil, err
	}
	return t.find(ctx, hour)
}

// ForOpening returns the token key of the hour, or nil if there is none.
func (t *TokenKeys) ForOpening(ctx context.Context, hour int64) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
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

// find returns the opened key of the hour, or nil, and keeps it in memory.
func (t *TokenKeys) find(ctx context.Context, hour int64) ([]byte, error) {
	if k := t.opened[hour]; k != nil {
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
	if t.opened == nil {
		t.opened = map[int64][]byte{}
	}
	t.opened[hour] = k
	return k, nil
}

func (t *TokenKeys) ring(ctx context.Context) (ring records.TokenRing, err error) {
	err = t.vault.store.View(ctx, func(v *store.View) error {
		ring, _, err = records.TokenRings.Get(v, records.TokenRingPath)
		return err
	})
	return ring, err
}

// DestroyOld destroys the keys that are no longer needed at the hour.
func (t *TokenKeys) DestroyOld(ctx context.Context, hour int64) error {
	ring, err := t.ring(ctx)
	if err != nil {
		return err
	}
	_, left := ring.Without(hour)
	if len(left) == 0 {
		return nil
	}
	t.forget(hour)
	err = t.vault.store.Update(ctx, func(tx *store.Tx) error { return removeOld(tx, hour) })
	if errors.Is(err, store.ErrUnknown) {
		t.vault.NoteUnerased() // if the keys were removed, the note of their erasure is there
	}
	if err != nil {
		return err
	}
	return t.vault.Erase(ctx, left) // also if an earlier commit of unknown outcome removed them
}

// removeOld removes the keys that are no longer needed at the hour from the ring, and notes their
// erasure.
func removeOld(tx *store.Tx, hour int64) error {
	ring, _, err := records.TokenRings.Get(tx, records.TokenRingPath)
	if err != nil {
		return err
	}
	ring, left := ring.Without(hour)
	if len(left) == 0 {
		return nil
	}
	return errors.Join(records.NoteErasures(tx, left), records.TokenRings.Put(tx, records.TokenRingPath, ring))
}

// forget clears the opened keys that are no longer needed at the hour.
func (t *TokenKeys) forget(hour int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for h, k := range t.opened {
		if h < hour-records.TokenKeyHours {
			clear(k)
			delete(t.opened, h)
		}
	}
}
