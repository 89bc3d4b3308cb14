package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// erase overwrites slots whose erasure was committed in one note, and has the note
// removed. While an earlier erasure is not carried out, nobody is told that one was. When
// it fails, what was promised is not so: after space.ErrFull the sweep tries again, and
// otherwise the Slots see to it that the program stops and the next start finishes the
// work.
func (s *Service) erase(ctx context.Context, slots []string) error {
	if s.unerased.Load() > 0 {
		return s.finishErasures(ctx)
	}
	if len(slots) == 0 {
		return nil
	}
	return s.overwrite(ctx, slots)
}

func (s *Service) overwrite(ctx context.Context, slots []string) error {
	if err := s.slots.Erase(context.WithoutCancel(ctx), slots...); err != nil {
		if errors.Is(err, space.ErrFull) {
			s.unerased.Add(1)
		}
		return fmt.Errorf("erase: %w", err)
	}
	s.opened.drop(slots...)
	s.erased.Store(true)
	s.leftovers.remove(func(tx *store.Tx) error { return records.Erasures.Delete(tx, slots[0]) })
	return nil
}

// finishErasures overwrites what a stop, or a full disk, left between a commit and its
// erasures.
func (s *Service) finishErasures(ctx context.Context) error {
	failures := s.unerased.Load()
	for after := ""; ; {
		var left []store.Record[records.Erasure]
		err := s.store.View(ctx, func(v *store.View) (err error) {
			left, err = records.Erasures.Scan(v, "", after, 1000)
			return err
		})
		if err != nil {
			return err
		}
		if len(left) == 0 {
			s.unerased.CompareAndSwap(failures, 0)
			return nil
		}
		for _, r := range left {
			if err := s.overwrite(ctx, append([]string{r.Path}, r.Value.Also...)); err != nil {
				return err
			}
		}
		after = left[len(left)-1].Path
	}
}
