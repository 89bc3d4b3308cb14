package memory

import (
	"bytes"
	"context"
	"strconv"
	"sync"

	"github.com/keyhold/keyhold/internal/store"
)

// Slots keep secrets in memory. Its methods may be called concurrently.
type Slots struct {
	mu      sync.Mutex
	last    uint64
	secrets map[string][]byte
	closed  bool
}

var _ store.Slots = (*Slots)(nil)

// NewSlots returns empty Slots.
func NewSlots() *Slots { return &Slots{secrets: map[string][]byte{}} }

// Put implements [store.Slots].
func (s *Slots) Put(ctx context.Context, secret []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return "", store.ErrClosed
	case len(secret) != store.SlotSize:
		return "", store.ErrInvalid
	case ctx.Err() != nil:
		return "", ctx.Err()
	}
	s.last++
	slot := strconv.FormatUint(s.last, 10)
	s.secrets[slot] = bytes.Clone(secret)
	return slot, nil
}

// Get implements [store.Slots].
func (s *Slots) Get(_ context.Context, slot string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, store.ErrClosed
	}
	secret, ok := s.secrets[slot]
	if !ok {
		return nil, store.ErrNoSlot
	}
	return bytes.Clone(secret), nil
}

// Erase implements [store.Slots].
func (s *Slots) Erase(_ context.Context, slots ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	for _, slot := range slots {
		clear(s.secrets[slot])
		delete(s.secrets, slot)
	}
	return nil
}

// Each implements [store.Slots].
func (s *Slots) Each(ctx context.Context, after string, fn func(slot string, damage error) bool) error {
	first, err := strconv.ParseUint(after, 10, 64)
	if after != "" && err != nil {
		return store.ErrNoSlot
	}
	for n := first + 1; ; n++ {
		slot := strconv.FormatUint(n, 10)
		s.mu.Lock()
		_, used := s.secrets[slot]
		last, closed := s.last, s.closed
		s.mu.Unlock()
		switch {
		case closed:
			return store.ErrClosed
		case n > last || ctx.Err() != nil:
			return ctx.Err()
		case used && !fn(slot, nil):
			return nil
		}
	}
}

// Close implements [store.Slots].
func (s *Slots) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.closed = true
	return nil
}
