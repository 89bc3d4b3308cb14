package postgres

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/engine"
)

const (
	slotsPage = 1000 // slots that Each reads at once
	maxSends  = 4    // attempts of a deletion of unknown outcome
)

// Slots are the [store.Slots] beside the records of a Backend. A slot is a row that is deleted. The files of PostgreSQL
// keep a deleted secret for some time; SECURITY.md says where. Closing Slots leaves the Backend open.
type Slots struct {
	b      *Backend
	closed atomic.Bool
}

var _ store.Slots = (*Slots)(nil)

// Slots returns the Slots of the same deployment.
func (b *Backend) Slots() store.Slots { return &Slots{b: b} }

// enter begins a call, which its caller ends by leave.
func (s *Slots) enter(ctx context.Context) (leave func(), err error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	return s.b.enter(ctx)
}

// Put implements [store.Slots.Put]. After an error the slot may exist under a name that nobody knows. Put does not
// repeat itself: the first attempt could be applied after the slot of the second one was erased.
func (s *Slots) Put(ctx context.Context, secret []byte) (string, error) {
	if len(secret) != store.SlotSize {
		return "", store.ErrInvalid
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	name := engine.NewSlotName()
	return name, s.b.write(`INSERT INTO $.slots (name, secret) VALUES ($1, $2)`, name, secret)
}

// write makes one statement durable. It returns the errors of [store.Backend.Commit].
func (b *Backend) write(text string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	c, err := b.pool.Acquire(ctx)
	if err != nil {
		return b.failed(refusal(err))
	}
	defer c.Release()
	var batch pgx.Batch
	var committed bool
	b.queueBegin(&batch)
	batch.Queue(b.in(text), args...)
	queueCommit(&batch, &committed)
	if err := outcome(c, committed, sendAll(ctx, c, &batch)); err != nil {
		return b.failed(err)
	}
	return nil
}

// read reads texts by a statement that begins with proved, from a server that has
// everything that was acknowledged before the call.
func (s *Slots) read(ctx context.Context, text string, args ...any) ([]store.Item, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	p, err := s.b.asker.Ask(ctx)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx, s.b, p}
	defer s.b.views.Begin(p.rev)() // keeps the floor below its revision, which slots do not have
	return r.read(proved+text, args...)
}

// Get implements [store.Slots.Get].
func (s *Slots) Get(ctx context.Context, slot string) ([]byte, error) {
	if !engine.IsSlotName(slot) {
		slot = ""
	}
	found, err := s.read(ctx, `SELECT convert_to(name, 'UTF8'), $2::bigint, 0, secret FROM $.slots
		WHERE name = $3::text`, slot)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, store.ErrNoSlot
	}
	return found[0].Value, nil
}

// Erase implements [store.Slots.Erase]. It may be repeated: a name is never used again. A vacuum of the slots
// follows.
func (s *Slots) Erase(ctx context.Context, slots ...string) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	slots = slices.DeleteFunc(slices.Clone(slots), func(slot string) bool { return !engine.IsSlotName(slot) })
	slices.Sort(slots)
	for page := range slices.Chunk(slices.Compact(slots), store.MaxBatch) {
		if err := s.delete(ctx, page); err != nil {
			return err
		}
		s.b.compact.erased.Store(true)
	}
	return nil
}

// delete repeats a deletion of unknown outcome until ctx ends, at most maxSends times.
func (s *Slots) delete(ctx context.Context, names []string) (err error) {
	for range maxSends {
		err = s.b.write(`DELETE FROM $.slots WHERE name = ANY($1::text[])`, names)
		if !errors.Is(err, store.ErrUnknown) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// Each implements [store.Slots.Each]. It reads pages, each at a time of its own.
func (s *Slots) Each(ctx context.Context, after string, fn func(slot string, damage error) bool) error {
	if after != "" && !engine.IsSlotName(after) {
		return store.ErrNoSlot
	}
	for {
		page, err := s.read(ctx, `(SELECT convert_to(name, 'UTF8'), $2::bigint, 0, NULL::bytea FROM $.slots
			WHERE name > $3::text ORDER BY name LIMIT $4::int)`, after, slotsPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, slot := range page {
			if after = string(slot.Key); !fn(after, nil) {
				return nil
			}
		}
	}
}

// Close implements [store.Slots.Close].
func (s *Slots) Close() error {
	if s.closed.Swap(true) {
		return store.ErrClosed
	}
	return nil
}
