package memory_test

import (
	"context"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

func TestBackend(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Backend {
		db := memory.New()
		t.Cleanup(func() { db.Close() })
		return db
	})
}

// The contract also holds for revisions that begin anywhere, for keys of changes that are missing and changes
// without keys, and behind a network that is only slow.
func TestBackendThatDoesWhatItMay(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Backend {
		db := memory.NewAt(1 << 40)
		t.Cleanup(func() { db.Close() })
		return terse{&storetest.Faulty{Backend: db}}
	})
}

// A terse Backend names no keys that were deleted while they were absent, and tells each revision twice.
type terse struct{ store.Backend }

func (b terse) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	return b.Backend.Watch(ctx, after, func(c store.Change) error {
		told := store.Change{Rev: c.Rev}
		for _, key := range c.Keys {
			if string(key) != "never" {
				told.Keys = append(told.Keys, key)
			}
		}
		if err := fn(told); err != nil || len(told.Keys) == 0 {
			return err
		}
		return fn(store.Change{Rev: c.Rev})
	})
}
