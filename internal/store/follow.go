package store

import (
	"context"
	"errors"
	"time"
)

// maxRewatch is the longest pause before a watch that broke is begun again.
const maxRewatch = 250 * time.Millisecond

// NewShared returns a Store of a Backend to which other Stores commit too. Its memory follows the Backend while
// [Store.Follow] runs.
func NewShared(b Backend, s Sealer) *Store {
	shared := New(b, s)
	shared.shared = &follower{news: make(chan struct{}), own: map[int64]bool{}, marks: newMarks()}
	return shared
}

// Shared reports whether other Stores commit to the Backend.
func (s *Store) Shared() bool { return s.shared != nil }

// OnChange has fn called with the paths of the records that each revision wrote. If paths is nil, all records may
// have been written. fn is called before [Store.Told] returns the revision, one call at a time, and must not modify
// paths. OnChange must be called before Follow, of a shared Store.
func (s *Store) OnChange(fn func(rev int64, paths []string)) {
	s.shared.listeners = append(s.shared.listeners, fn)
}

// Follow drops from memory what other Stores change, and measures how fresh the memory is. If the watch breaks, or
// tells nothing more, Follow drops everything and watches again. It returns when ctx ends or the Backend is closed,
// or with [ErrRewound].
func (s *Store) Follow(ctx context.Context) error {
	pause := time.Millisecond
	for {
		told := s.Told()
		err := s.followOnce(ctx)
		switch {
		case s.shared.rewound.Load(), errors.Is(err, ErrRewound):
			return ErrRewound
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrClosed):
			return err
		}
		if pause = min(2*pause, maxRewatch); s.Told() > told {
			pause = time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// followOnce drops everything, and follows the changes from the revision of a View until the watch ends.
func (s *Store) followOnce(ctx context.Context) error {
	asked := time.Now()
	rev, err := s.head(ctx)
	if err != nil {
		return err
	}
	s.cache.clear(rev)
	s.counts.forget()
	raise(&s.shared.marks.all, rev)
	s.tell(rev, nil)
	s.shared.noteFresh(asked)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.measure(ctx, cancel)
	return s.backend.Watch(ctx, rev, func(c Change) error {
		if len(c.Keys) == 0 {
			s.shared.note(c.Rev)
			s.noteRevision(c.Rev)
			return ctx.Err()
		}
		s.tell(c.Rev, s.drop(c))
		return ctx.Err()
	})
}

// head returns the revision of a View. It waits no longer than memory is trusted.
func (s *Store) head(ctx context.Context) (rev int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxAge)
	defer cancel()
	err = s.View(ctx, func(v *View) error {
		rev = v.Rev()
		return nil
	})
	if err == nil {
		s.shared.noteHead(rev, time.Now())
	}
	return rev, err
}

// drop drops the records of a change, and returns their paths.
func (s *Store) drop(c Change) []string {
	paths := make([]string, len(c.Keys))
	for i, key := range c.Keys {
		paths[i] = string(key)
		s.cache.changed(paths[i], c.Rev)
		s.shared.marks.raise(paths[i], c.Rev)
	}
	if !s.shared.takeOwn(c.Rev) {
		s.counts.raise(paths)
	}
	return paths
}

// tell tells the listeners what a revision changed, and then that the memory is up to date to it.
func (s *Store) tell(rev int64, paths []string) {
	s.noteRevision(rev)
	for _, fn := range s.shared.listeners {
		fn(rev, paths)
	}
	s.shared.note(rev)
}

// measure measures again and again how fresh the memory is. If the watch does not tell a revision that a View has
// shown, measure ends the watch with stuck, because the connection of the watch may have died without notice.
func (s *Store) measure(ctx context.Context, stuck func()) {
	tick := time.NewTicker(measurePause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		asked := time.Now()
		rev, err := s.head(ctx)
		if errors.Is(err, ErrRewound) {
			stuck()
		}
		if err != nil {
			continue
		}
		if s.awaitSoon(ctx, rev) != nil {
			stuck()
			return
		}
		s.shared.noteFresh(asked)
	}
}

// awaitSoon waits for a revision no longer than memory is trusted.
func (s *Store) awaitSoon(ctx context.Context, rev int64) error {
	ctx, cancel := context.WithTimeout(ctx, maxAge)
	defer cancel()
	return s.AwaitTold(ctx, rev)
}
