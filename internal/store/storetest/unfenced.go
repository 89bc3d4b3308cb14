package storetest

import "github.com/keyhold/keyhold/internal/store"

// Unfenced are the fences (material.Fences) of a process that reclaims no slots.
type Unfenced struct{}

// Fence implements material.Fences.
func (Unfenced) Fence() int64 { return 0 }

// HoldSlots implements material.Fences.
func (Unfenced) HoldSlots(*store.Tx, int64) error { return nil }
