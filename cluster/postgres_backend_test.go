package cluster

import (
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

func TestPostgresBackend(t *testing.T) {
	server := startPostgres(t)
	storetest.Test(t, func(t *testing.T) store.Backend { return pgOpen(t, pgConfig(t, server)) })
}

func TestPostgresSlots(t *testing.T) {
	server := startPostgres(t)
	storetest.TestSlots(t, func(t *testing.T) store.Slots { return pgOpen(t, pgConfig(t, server)).Slots() })
}
