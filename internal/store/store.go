package store

import (
	"context"
	"errors"
	"math/rand/v2"
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
}

// New returns a Store of the records that s has sealed in b. Closing b is left
// to the caller.
func New(b Backend, s Sealer) *Store {
	return &Store{backend: b, sealer: s}
}

// View runs fn over one revision of all records. The error of fn is returned as
// it is.
func (s *Store) View(ctx context.Context, fn func(*View) error) error {
	return s.backend.View(ctx, func(r Reader) error {
		return fn(&View{reader: r, sealer: s.sealer})
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
// [Backend.Commit] hold for Update too.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	for try := range maxTries {
		if err := wait(ctx, try); err != nil {
			return err
		}
		b, err := s.prepare(ctx, fn)
		if err != nil || len(b.Writes) == 0 {
			return err
		}
		if _, err := s.backend.Commit(ctx, b); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// prepare runs fn once and returns what there is to commit, outside the View:
// a Backend may have to wait for Views to end before it can commit.
func (s *Store) prepare(ctx context.Context, fn func(*Tx) error) (b Batch, err error) {
	err = s.View(ctx, func(v *View) error {
		tx := newTx(v)
		if err := fn(tx); err != nil {
			return err
		}
		b, err = tx.batch()
		return err
	})
	return b, err
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
