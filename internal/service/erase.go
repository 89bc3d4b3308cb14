package service

import (
	"context"
	"fmt"

	"github.com/keyhold/keyhold/internal/store"
)

// erase overwrites slots whose erasure was committed, and has their notes
// removed. When it fails, what was promised is not so, and the Slots see to it
// that the program stops; the next start finishes the work.
func (s *Service) erase(ctx context.Context, slots []string) error {
	if len(slots) == 0 {
		return nil
	}
	if err := s.slots.Erase(context.WithoutCancel(ctx), slots...); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	s.opened.drop(slots...)
	s.erased.Store(true)
	for _, slot := range slots {
		s.leftovers.remove(func(tx *store.Tx) error { return erasures.Delete(tx, slot) })
	}
	return nil
}

// finishErasures overwrites what a stop left between a commit and its erasures.
func (s *Service) finishErasures(ctx context.Context) error {
	for after := ""; ; {
		var left []store.Record[struct{}]
		err := s.store.View(ctx, func(v *store.View) (err error) {
			left, err = erasures.Scan(v, "", after, 1000)
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		var slots []string
		for _, r := range left {
			slots = append(slots, r.Path)
		}
		if err := s.erase(ctx, slots); err != nil {
			return err
		}
		after = slots[len(slots)-1]
	}
}
