package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Every measurePause a shared Store asks for the newest revision. It trusts its memory for maxAge after the question
// whose answer the feed has told. maxJump is by how much wall time and monotonic time may have moved apart since: the
// monotonic clock stands still while a machine is suspended.
const (
	measurePause = 250 * time.Millisecond
	maxAge       = time.Second
	maxJump      = 500 * time.Millisecond
)

// maxOwn limits the memory of the commits of a Store that its feed has not told.
const maxOwn = 10_000

// A follower is what a shared Store knows of the feed.
type follower struct {
	told      atomic.Int64
	asOf      atomic.Pointer[time.Time] // nil before the first measurement
	rewound   atomic.Bool
	listeners []func(rev int64, paths []string)

	marks *marks
	heads atomic.Pointer[[8]head] // the last ones, the newest one first

	mu   sync.Mutex
	news chan struct{} // closed when told grows
	own  map[int64]bool
}

// Told returns the revision up to which the memory of this process is up to date.
func (s *Store) Told() int64 {
	if s.shared == nil {
		return s.Revision()
	}
	return s.shared.told.Load()
}

// AwaitTold waits until Told returns a revision or a later one.
func (s *Store) AwaitTold(ctx context.Context, rev int64) error {
	if s.shared == nil {
		return nil
	}
	for {
		if s.Told() >= rev {
			return nil
		}
		s.shared.mu.Lock()
		news := s.shared.news
		s.shared.mu.Unlock()
		if s.Told() >= rev {
			return nil
		}
		if err := waitForNews(ctx, news); err != nil {
			return err
		}
	}
}

// FreshAsOf returns the time up to which all changes are in the revision that Told returns, or the zero time.
func (s *Store) FreshAsOf() time.Time {
	if s.shared == nil {
		return time.Now()
	}
	if asOf := s.shared.asOf.Load(); asOf != nil {
		return *asOf
	}
	return time.Time{}
}

// Fresh reports whether the memory may be trusted at now, which must come from time.Now.
func (s *Store) Fresh(now time.Time) bool {
	return s.shared == nil || !s.shared.rewound.Load() && Recent(s.FreshAsOf(), now)
}

// Recent reports whether a record that was current at asOf may still be used at now. Both must come from time.Now.
func Recent(asOf, now time.Time) bool {
	return !asOf.IsZero() && isRecent(now.Sub(asOf), now.Round(0).Sub(asOf.Round(0)))
}

// isRecent is Recent for the differences on the monotonic clock and on the wall clock.
func isRecent(age, wall time.Duration) bool {
	return age <= maxAge && (wall-age).Abs() <= maxJump
}

// checkRewound returns ErrRewound if a View shows a revision lower than a revision that was seen before it.
func (s *Store) checkRewound(seen, rev int64) error {
	if s.shared == nil {
		return nil
	}
	s.noteRewound(seen, rev)
	if s.shared.rewound.Load() {
		return ErrRewound
	}
	return nil
}

// noteRewound notes that the Backend has shown a revision lower than a revision that was seen before it.
func (s *Store) noteRewound(seen, rev int64) {
	if rev < seen {
		s.shared.rewound.Store(true)
	}
}

// note notes that the memory is up to date to a revision.
func (f *follower) note(rev int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if rev > f.told.Load() {
		f.told.Store(rev)
		close(f.news)
		f.news = make(chan struct{})
	}
}

// A head is a revision that the store had at a time.
type head struct {
	at  time.Time
	rev int64
}

// noteHead notes a revision that the store had at a time.
func (f *follower) noteHead(rev int64, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	heads := [8]head{{at, rev}}
	if old := f.heads.Load(); old != nil {
		copy(heads[1:], old[:])
	}
	f.heads.Store(&heads)
}

// CommittedBefore returns a revision that was committed before a time of the last two seconds, or 0.
func (s *Store) CommittedBefore(t time.Time) int64 {
	heads := s.shared.heads.Load()
	if heads == nil {
		return 0
	}
	for _, h := range heads {
		if !h.at.After(t) {
			return h.rev
		}
	}
	return 0
}

// noteFresh notes that all changes up to a time were told.
func (f *follower) noteFresh(asOf time.Time) { f.asOf.Store(&asOf) }

// noteOwn notes a commit of this Store, which other Stores did not make. If there are too many, they are taken for
// commits of others, so that quotas are counted again.
func (f *follower) noteOwn(rev int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.own) >= maxOwn {
		clear(f.own)
	}
	if rev > f.told.Load() {
		f.own[rev] = true
	}
}

// takeOwn reports whether this Store made the commit of a revision, as far as it knows.
func (f *follower) takeOwn(rev int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	own := f.own[rev]
	delete(f.own, rev)
	return own
}
