package memory

import (
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

func TestSlots(t *testing.T) {
	storetest.TestSlots(t, func(*testing.T) store.Slots { return NewSlots() })
}
