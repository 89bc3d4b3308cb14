package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	maxTries = 64                     // runs of one Update before it fails
	pause    = 500 * time.Microsecond // growth of the longest pause with each run
)

// A Store runs transactions over sealed records. Its methods may be called concurrently.
type Store struct {
	backend Backend
	sealer  Sealer
	cache   *cache
	seen    atomic.Int64 // newest revision that a View or Commit returned
	tallies tallies
}

// New returns a Store of the records in b, sealed by s. No other Store may commit to b. The caller closes b.
func New(b Backend, s Sealer) *Store {
	return &Store{backend: b, sealer: s, cache: newCache()}
}

// Revision returns the newest revision that the Store has seen. Every commit that it has acknowledged has this
// revision or an older one.
func (s *Store) Revision() int64 { return s.seen.Load() }

// noteRevision records that the Store has seen a revision.
func (s *Store) noteRevision(rev int64) {
	for {
		seen := s.seen.Load()
		if rev <= seen || s.seen.CompareAndSwap(seen, rev) {
			return
		}
	}
}

// View runs fn over one revision of all records. It returns the error of fn unchanged.
func (s *Store) View(ctx context.Context, fn func(*View) error) error {
	return s.backend.View(ctx, func(r Reader) error {
		s.noteRevision(r.Rev())
		return fn(&View{r, s.sealer, s.cache})
	})
}

// Update runs fn over one revision and then commits everything that fn wrote, provided that nothing that fn
// read, including absent records, has changed since. Otherwise it runs fn again over a newer revision.
// Therefore fn must have no effect besides its Tx and variables that every run sets again. After 64 runs,
// Update returns [ErrConflict].
//
// If fn returns an error, Update commits nothing and returns the error unchanged. If fn writes nothing, nothing
// is committed. Update also returns the errors of [Backend.Commit]. A transaction that creates more records
// than a quota allows returns a [QuotaError] (see [Store.Limit]).
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

// commit keeps the written paths out of the cache during the commit. If nothing was committed, it undoes the
// reservation. After ErrFailed, the outcome is unknown.
func (s *Store) commit(ctx context.Context, b Batch, steps []step) error {
	s.cache.begin(b.Writes)
	rev, err := s.backend.Commit(ctx, b)
	s.cache.end(b.Writes, rev)
	s.noteRevision(rev)
	switch {
	case err == nil:
		subtractDeleted(steps, rev)
	case !errors.Is(err, ErrFailed):
		giveBack(steps)
	}
	return err
}

// prepare runs fn once and returns its Batch. The commit must happen outside the View, because a Backend may
// have to wait for Views to end before it can commit.
func (s *Store) prepare(ctx context.Context, fn func(*Tx) error) (b Batch, steps []step, err error) {
	err = s.View(ctx, func(v *View) error {
		tx := newTx(v)
		if err := fn(tx); err != nil {
			return err
		}
		if steps, err = s.tallies.changesOf(tx); err != nil {
			return err
		}
		b, err = tx.batch()
		return err
	})
	return b, steps, err
}

// wait pauses before a repetition. The pauses are random and grow with each run, so that transactions that
// compete for a record reach it one at a time.
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
