package census

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// newCensus returns a Census, the time that its clock shows, and the store.
func newCensus(t *testing.T, b store.Backend) (*Census, *atomic.Int64, *store.Store) {
	t.Helper()
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(b, keyring.Records())
	now := new(atomic.Int64)
	now.Store(1_000_000)
	c := New(s, func() time.Time { return time.Unix(now.Load(), 0) })
	t.Cleanup(c.Close)
	return c, now, s
}

func putKeys(t *testing.T, s *store.Store, from, to int, k key.Key) {
	t.Helper()
	for i := from; i < to; i++ {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return records.Keys.Put(tx, fmt.Sprintf("111122223333/eu-west-2/%08d", i), k)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// await asks for counts until one has the keys, or the test has waited for long.
func await(t *testing.T, c *Census, want map[key.State]int64) {
	t.Helper()
	var got Count
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		var err error
		if got, err = c.Count(t.Context()); err != nil {
			t.Fatal(err)
		}
		if maps.Equal(got.Keys, want) {
			return
		}
	}
	t.Errorf("got %v, want %v", got, want)
}

func TestCount(t *testing.T) {
	c, now, s := newCensus(t, memory.New())
	at := time.Unix(now.Load(), 0)
	putKeys(t, s, 0, page+3, key.Key{State: key.Enabled})
	putKeys(t, s, page+3, page+5, key.Key{State: key.PendingDeletion, DeletionDate: at.Add(time.Hour)})
	putKeys(t, s, page+5, page+6, key.Key{State: key.PendingDeletion, DeletionDate: at})
	putKeys(t, s, page+6, page+7, key.Key{State: key.Gone})
	want := map[key.State]int64{key.Enabled: page + 3, key.PendingDeletion: 2}
	await(t, c, want)

	putKeys(t, s, page+7, page+8, key.Key{State: key.Disabled})
	now.Add(int64(keptFor/time.Second) - 1)
	await(t, c, want) // the count is kept
	now.Add(1)
	await(t, c, map[key.State]int64{key.Enabled: page + 3, key.PendingDeletion: 2, key.Disabled: 1})
	now.Add(-int64(keptFor / time.Second)) // the clock goes back
	putKeys(t, s, page+8, page+9, key.Key{State: key.Disabled})
	await(t, c, map[key.State]int64{key.Enabled: page + 3, key.PendingDeletion: 2, key.Disabled: 2})
}

// A stuckBackend answers no Views until it is opened.
type stuckBackend struct {
	store.Backend
	stuck  atomic.Bool
	opened chan struct{}
	views  atomic.Int64
}

var errStuck = errors.New("gave up")

func (b *stuckBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	if b.stuck.Load() {
		b.views.Add(1)
		select {
		case <-b.opened:
		case <-ctx.Done():
			return errStuck
		}
	}
	return b.Backend.View(ctx, fn)
}

// Callers wait for one count, and no longer than they want. Close ends the count.
func TestCountIsShared(t *testing.T) {
	b := &stuckBackend{Backend: memory.New(), opened: make(chan struct{})}
	c, _, _ := newCensus(t, b)
	b.stuck.Store(true)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := c.Count(ctx); err != nil || !got.At.IsZero() {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	c.Close()
	if n := b.views.Load(); n > 1 {
		t.Errorf("%d counts ran", n)
	}
	if _, err := c.Count(t.Context()); err == nil {
		t.Error("the error of the count is lost")
	}
}
