package local

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/keyhold/keyhold/internal/store"
)

// Erase implements [store.Slots]. It leaves a cell alone that another slot occupies in the meantime, which the
// tag shows.
func (s *Slots) Erase(ctx context.Context, slots ...string) error {
	var names []slotName
	var cells []uint32
	for _, slot := range slots {
		if name, err := parseSlotName(slot); err == nil {
			names, cells = append(names, name), append(cells, name.cell)
		}
	}
	slices.Sort(cells)
	cells = slices.Compact(cells)
	s.claim(cells)
	defer s.disclaim(cells)
	zeros := map[uint32][]byte{}
	for _, name := range names {
		secret, err := s.Get(ctx, name.String())
		clear(secret)
		var corrupt *store.CorruptError
		switch {
		case errors.Is(err, store.ErrNoSlot):
			continue
		case err != nil && !errors.As(err, &corrupt):
			return err
		}
		zeros[name.cell] = make([]byte, cellSize)
	}
	if len(zeros) == 0 {
		return s.refusal()
	}
	if err := s.write(zeros); err != nil {
		return err
	}
	s.release(slices.Collect(maps.Keys(zeros))...)
	return nil
}

// claim waits until no other caller erases the cells, and then reserves them for this caller. Two callers that erase
// one slot would otherwise release its cell twice, or the slower one would overwrite the next slot in the cell. The
// cells are in ascending order, so that callers do not wait for each other.
func (s *Slots) claim(cells []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cell := range cells {
		for ended := s.erasing[cell]; ended != nil; ended = s.erasing[cell] {
			s.mu.Unlock()
			<-ended
			s.mu.Lock()
		}
		s.erasing[cell] = make(chan struct{})
	}
}

func (s *Slots) disclaim(cells []uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cell := range cells {
		close(s.erasing[cell])
		delete(s.erasing, cell)
	}
}

// release adds cells that contain zeros on disk to the free cells.
func (s *Slots) release(cells ...uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, cells...)
}
