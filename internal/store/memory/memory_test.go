package memory_test

import (
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
