package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/measure"
)

const (
	maxTries   = 64                     // runs of one UpdateOnce before it fails
	maxUnknown = 3                      // commits of one Update whose outcome is not known, before it fails
	pause      = 500 * time.Microsecond // growth of the longest pause with each run
)

// A Store runs transactions over sealed records. Its methods may be called concurrently.
type Store struct {
	backend Backend
	sealer  Sealer
	cache   *cache
	seen    atomic.Int64 // newest revision that a View or Commit returned
	counts  quotaCounts
	shared  *follower // nil if only this Store commits to the Backend
	stats   stats
}

// New returns a Store of the records in b, sealed by s. No other Store may commit to b: [NewShared] is for a Backend
// to which several Stores commit. The caller closes b.
func New(b Backend, s Sealer) *Store {
	return &Store{backend: b, sealer: s, cache: newCache()}
}

// Revision returns the newest revision that the Store has seen. Every commit that it has acknowledged has this
// revision or an older one.
func (s *Store) Revision() int64 { return s.seen.Load() }

// noteRevision records that the Store has seen a revision.
func (s *Store) noteRevision(rev int64) { raise(&s.seen, rev) }

// View runs fn over one revision of all records. It returns the error of fn unchanged. View does not repeat fn
// after [ErrTooOld], because fn may have had an effect.
func (s *Store) View(ctx context.Context, fn func(*View) error) error {
	seen := s.Revision()
	return s.backend.View(ctx, func(r Reader) error {
		if err := s.checkRewound(seen, r.Rev()); err != nil {
			return err
		}
		s.noteRevision(r.Rev())
		return fn(&View{reader: r, sealer: s.sealer, cache: s.cache, marks: s.marks()})
	})
}

// Update runs fn over one revision and then commits everything that fn wrote, provided that nothing that fn
// read, including absent records, has changed since. Otherwise it runs fn again over a newer revision.
// Therefore fn must have no effect besides its Tx and variables that every run sets again. After 64 runs,
// Update returns [ErrConflict].
//
// If the outcome of a commit is not known, Update also runs fn again. Therefore fn must be idempotent: it reads
// each record that it writes, so that the first commit conflicts once the second one is made, or it writes
// records that get no other value later. Transactions that must not happen twice use [Store.UpdateOnce]. After
// three such commits, Update returns [ErrUnknown].
//
// If fn returns an error, Update commits nothing and returns the error unchanged. If fn writes nothing, nothing
// is committed. Update also returns the errors of [Backend.Commit]. A transaction that creates more records
// than a quota allows returns a [QuotaError] (see [Store.Limit]).
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	var doubts []*Doubt
	for range maxUnknown {
		doubt, err := s.UpdateOnce(ctx, fn)
		switch {
		case doubt != nil:
			doubts = append(doubts, doubt)
			continue
		case err != nil && len(doubts) > 0:
			return fmt.Errorf("%w: %w", ErrUnknown, err)
		case err != nil:
			return err
		}
		for _, d := range doubts {
			d.Resolved()
		}
		return nil
	}
	return ErrUnknown
}

// UpdateOnce is Update for transactions that must not happen twice. If the outcome of the commit is not known,
// UpdateOnce returns a Doubt and [ErrUnknown]. In all other cases the Doubt is nil.
func (s *Store) UpdateOnce(ctx context.Context, fn func(*Tx) error) (*Doubt, error) {
	_, doubt, err := s.update(ctx, fn, false)
	return doubt, err
}

// UpdateAt is UpdateOnce that also returns the revision of the commit, or 0 if nothing was committed. On a shared
// Store, the first run of fn reads memory, which may be older than the Backend: the commit checks all items that the
// run read. If this run writes nothing or returns an error, fn runs again over one revision. Therefore a run that
// fails must have no effect either.
func (s *Store) UpdateAt(ctx context.Context, fn func(*Tx) error) (rev int64, doubt *Doubt, err error) {
	return s.update(ctx, fn, true)
}

// update is UpdateAt, or UpdateOnce without request.
func (s *Store) update(
	ctx context.Context, fn func(*Tx) error, request bool,
) (rev int64, doubt *Doubt, err error) {
	h := how{memory: request && s.shared != nil && s.Fresh(time.Now()), omits: !request && s.shared == nil}
	for try := range maxTries {
		if err := wait(ctx, try); err != nil {
			return 0, nil, err
		}
		r, err := s.prepare(ctx, fn, h)
		h.memory = false
		if errors.Is(err, ErrTooOld) {
			continue
		}
		if err != nil || len(r.batch.Writes) == 0 {
			return 0, nil, err
		}
		if err := s.reserve(ctx, r.changes); err != nil {
			return 0, nil, err
		}
		if rev, doubt, err := s.commit(ctx, r); !errors.Is(err, ErrConflict) {
			return rev, doubt, err
		}
		h.conflicted = true
	}
	return 0, nil, ErrConflict
}

// commit keeps the written paths out of the cache during the commit. If nothing was committed, it undoes the
// reservation.
func (s *Store) commit(ctx context.Context, r run) (int64, *Doubt, error) {
	seen, writes := s.Revision(), r.batch.Writes
	s.cache.begin(writes)
	begun, endSpan := time.Now(), measure.Begin(ctx, "store.commit")
	rev, err := s.backend.Commit(ctx, r.batch)
	endSpan(err)
	s.stats.note(time.Since(begun), err)
	if errors.Is(err, ErrUnknown) {
		return 0, &Doubt{s, writes, r.changes}, err
	}
	s.cache.end(writes, rev, r.tx.kept.written(r.tx, rev))
	s.noteRevision(rev)
	if s.shared != nil && err == nil {
		s.noteRewound(seen, rev)
		s.shared.noteOwn(rev)
	}
	switch {
	case err == nil:
		finish(r.changes, rev)
	case !errors.Is(err, ErrFailed):
		release(r.changes)
	}
	return rev, nil, err
}

// A Doubt is a commit whose outcome is not known. Until Resolved is called, the records that the commit writes
// are not cached, and the records that it creates are counted.
type Doubt struct {
	store   *Store
	writes  []Write
	changes []countChange
}

// Resolved must be called, once, when the commit cannot be made any more, after a View of the Store has shown
// whether it was made.
func (d *Doubt) Resolved() {
	d.store.cache.end(d.writes, d.store.Revision(), nil)
	countAgain(d.changes)
}

// A run is what one run of a transaction wants to commit.
type run struct {
	tx      *Tx
	batch   Batch
	changes []countChange
}

// how describes how a transaction runs.
type how struct {
	memory     bool // the first run reads memory
	omits      bool // items that are only read do not stay in memory
	conflicted bool // a commit was in conflict
}

// prepare runs fn. The commit must happen outside the View, because a Backend may have to wait for Views to end
// before it can commit. If the result of a run that reads memory cannot be committed, memory may be the reason, and
// prepare runs fn again over one revision.
func (s *Store) prepare(ctx context.Context, fn func(*Tx) error, h how) (r run, err error) {
	if h.memory {
		reads := &newest{ctx: ctx, s: s}
		r, err = s.run(fn, &View{reader: reads, sealer: s.sealer, marks: s.marks()}, &kept{source: true}, h.conflicted)
		if reads.failed && err != nil || err == nil && len(r.batch.Writes) > 0 && r.batch.Validate() == nil {
			return r, err
		}
	}
	err = s.View(ctx, func(v *View) error {
		r, err = s.run(fn, v, &kept{omits: h.omits}, h.conflicted)
		return err
	})
	return r, err
}

// run runs fn once.
func (s *Store) run(fn func(*Tx) error, v *View, k *kept, conflicted bool) (r run, err error) {
	r.tx = newTx(v)
	r.tx.conflicted = conflicted
	k.cache, r.tx.kept = s.cache, k
	if err := fn(r.tx); err != nil {
		return r, err
	}
	if r.changes, err = s.counts.changesOf(r.tx); err != nil {
		return r, err
	}
	r.batch, err = r.tx.batch()
	return r, err
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
