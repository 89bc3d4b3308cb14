package service

import (
	"context"
	"fmt"

	"github.com/keyhold/keyhold/internal/store"
)

// erase overwrites slots whose erasure was committed in one note, and has the note
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
	s.leftovers.remove(func(tx *store.Tx) error { return erasures.Delete(tx, slots[0]) })
	return nil
}

// finishErasures overwrites what a stop left between a commit and its erasures.
func (s *Service) finishErasures(ctx context.Context) error {
	for after := ""; ; {
		var left []store.Record[erasure]
		err := s.store.View(ctx, func(v *store.View) (err error) {
			left, err = erasures.Scan(v, "", after, 1000)
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		for _, r := range left {
			if err := s.erase(ctx, append([]string{r.Path}, r.Value.Also...)); err != nil {
				return err
			}
		}
		after = left[len(left)-1].Path
	}
}
