package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	maxTries = 64                     // runs of one Update before it gives up
	pause    = 500 * time.Microsecond // by so much the longest pause grows with each run
)

// A Store runs transactions over sealed records. It may be used by many
// goroutines at once.
type Store struct {
	backend Backend
	sealer  Sealer
	cache   *cache
	seen    atomic.Int64 // the newest revision that a View or Commit had
	tallies tallies
}

// New returns a Store of the records that s has sealed in b, which nobody else
// commits to. Closing b is left to the caller.
func New(b Backend, s Sealer) *Store {
	return &Store{backend: b, sealer: s, cache: newCache()}
}

// Revision returns the newest revision that the Store has seen: all that it was
// told to write, and has answered for, is not newer.
func (s *Store) Revision() int64 { return s.seen.Load() }

// saw notes a revision.
func (s *Store) saw(rev int64) {
	for {
		seen := s.seen.Load()
		if rev <= seen || s.seen.CompareAndSwap(seen, rev) {
			return
		}
	}
}

// View runs fn over one revision of all records. The error of fn is returned as
// it is.
func (s *Store) View(ctx context.Context, fn func(*View) error) error {
	return s.backend.View(ctx, func(r Reader) error {
		s.saw(r.Rev())
		return fn(&View{r, s.sealer, s.cache})
	})
}

// Update runs fn over one revision and then commits all that fn wrote, provided
// that nothing which fn read, absent records included, has changed since.
// Otherwise it runs fn again over a newer revision, so fn must have no effect
// but on its Tx and on what it sets anew in each run. After 64 runs it gives up
// with [ErrConflict].
//
// If fn returns an error nothing is committed, and the error is returned as it
// is. If fn wrote nothing, nothing is committed. The errors of
// [Backend.Commit] hold for Update too. A transaction that makes more records than a
// quota allows gets a [QuotaError] (see [Store.Limit]).
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	for try := range maxTries {
		if err := wait(ctx, try); err != nil {
			return err
		}
		b, steps, err := s.prepare(ctx, fn)
		if err != nil || len(b.Writes) == 0 {
			return err
		}
		if err := s.reserve(ctx, steps); err != nil {
			return err
		}
		if err := s.commit(ctx, b, steps); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// commit keeps what it writes out of the cache until it is known. It gives back what was
// reserved if nothing was committed; after ErrFailed the outcome is unknown.
func (s *Store) commit(ctx context.Context, b Batch, steps []step) error {
	s.cache.begin(b.Writes)
	rev, err := s.backend.Commit(ctx, b)
	s.cache.end(b.Writes, rev)
	s.saw(rev)
	switch {
	case err == nil:
		removed(steps, rev)
	case !errors.Is(err, ErrFailed):
		giveBack(steps)
	}
	return err
}

// prepare runs fn once and returns what there is to commit, outside the View:
// a Backend may have to wait for Views to end before it can commit.
func (s *Store) prepare(ctx context.Context, fn func(*Tx) error) (b Batch, steps []step, err error) {
	err = s.View(ctx, func(v *View) error {
		tx := newTx(v)
		if err := fn(tx); err != nil {
			return err
		}
		if steps, err = s.tallies.steps(tx); err != nil {
			return err
		}
		b, err = tx.batch()
		return err
	})
	return b, steps, err
}

// wait pauses before a repetition, the longer the more there were, so that the
// transactions that compete for a record come to it one at a time.
func wait(ctx context.Context, try int) error {
	if try == 0 {
		return nil
	}
	timer := time.NewTimer(rand.N(time.Duration(try) * pause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
