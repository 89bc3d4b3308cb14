package cluster

import (
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

func TestBackend(t *testing.T) {
	servers := startCluster(t, 1, "--unsafe-no-fsync")
	storetest.Test(t, func(t *testing.T) store.Backend { return open(t, config(t, servers)) })
}

func TestSlots(t *testing.T) {
	servers := startCluster(t, 1, "--unsafe-no-fsync")
	storetest.TestSlots(t, func(t *testing.T) store.Slots { return open(t, config(t, servers)).Slots() })
}
