package store

import (
	"context"
	"errors"
)

// SlotSize is the size of the secret in a slot, in bytes.
const SlotSize = 32

// ErrNoSlot: the slot was erased, or never was.
var ErrNoSlot = errors.New("store: no such slot")

// Slots keep small secrets that can be destroyed for good: cells that are
// overwritten in place. A Backend cannot do that, as its engine leaves old bytes
// behind in free pages and in history. What is to be erased one day is sealed
// under the secret of a slot and kept in a Backend; without the slot it is noise.
//
// Package storetest holds the conformance suite.
type Slots interface {
	// Put writes a secret of SlotSize bytes to a free slot and returns the
	// slot's name, which no other slot had or will have. The secret is durable
	// when Put returns.
	Put(ctx context.Context, secret []byte) (slot string, err error)

	// Get returns the secret of a slot, or ErrNoSlot.
	Get(ctx context.Context, slot string) ([]byte, error)

	// Erase overwrites the slots. When it returns nil they are gone from the
	// disk as far as overwriting can do that. Erasing what is no slot, or no
	// longer, succeeds.
	Erase(ctx context.Context, slots ...string) error

	// Close ends the use of the slots; nothing of them is lost.
	Close() error
}
