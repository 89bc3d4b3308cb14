package store

import (
	"context"
	"errors"
)

// SlotSize is the size of the secret in a slot, in bytes.
const SlotSize = 32

// ErrNoSlot means that the slot was erased or never existed.
var ErrNoSlot = errors.New("store: no such slot")

// Slots keep small secrets that can be destroyed: cells that are overwritten in place. A Backend cannot destroy
// data, because its engine leaves old bytes in free pages and in its history. Data that must be erasable is
// sealed under the secret of a slot and kept in a Backend. Without the secret, the sealed data cannot be
// opened.
//
// Package storetest contains the conformance suite.
type Slots interface {
	// Put writes a secret of SlotSize bytes to a free slot and returns the name of the slot. Names are never
	// reused. The secret is durable when Put returns.
	Put(ctx context.Context, secret []byte) (slot string, err error)

	// Get returns the secret of a slot, or ErrNoSlot.
	Get(ctx context.Context, slot string) ([]byte, error)

	// Erase overwrites the slots. When it returns nil, the secrets are gone from the disk as far as overwriting
	// can achieve that. Names of slots that do not exist are ignored. Several callers may erase a slot at once.
	Erase(ctx context.Context, slots ...string) error

	// Each calls fn with the name of every slot in use, in an order that stays the same, until fn returns false.
	// It begins behind the slot after, which may have been erased; "" begins with the first slot. A slot whose
	// content is damaged comes with an error. Slots that are put or erased meanwhile may be missing or not. fn
	// may call the Slots.
	Each(ctx context.Context, after string, fn func(slot string, damage error) bool) error

	// Close closes the slots and keeps their content.
	Close() error
}
