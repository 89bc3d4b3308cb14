package etcd

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/engine"
)

const (
	slotsPage = 1000 // slots that Each reads at once
)

// Slots are the [store.Slots] beside the records of a Backend. A slot is a key that is deleted. The history of
// the cluster keeps a deleted secret; SECURITY.md says where and how long. Closing Slots leaves the Backend open.
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

// Put implements [store.Slots.Put]. After an error the slot may exist under a name that nobody knows. Put does
// not repeat itself: the first attempt could be applied after the slot of the second one was erased.
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
	key := s.b.names.slot(name)
	_, err = s.b.commit(clientv3.OpTxn([]clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)},
		[]clientv3.Op{clientv3.OpPut(key, string(secret))}, nil))
	return name, err
}

// Get implements [store.Slots.Get].
func (s *Slots) Get(ctx context.Context, slot string) ([]byte, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !engine.IsSlotName(slot) {
		return nil, store.ErrNoSlot
	}
	got, err := s.b.read(ctx, clientv3.OpGet(s.b.names.slot(slot)))
	switch {
	case err != nil:
		return nil, err
	case len(got.Get().Kvs) == 0:
		return nil, store.ErrNoSlot
	}
	return bytes.Clone(got.Get().Kvs[0].Value), nil
}

// Erase implements [store.Slots.Erase]. It may be repeated: a name is never used again. The compaction that removes
// the secrets from the history follows when [Config.Keep] has passed.
func (s *Slots) Erase(ctx context.Context, slots ...string) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	slots = slices.DeleteFunc(slices.Clone(slots), func(slot string) bool { return !engine.IsSlotName(slot) })
	slices.Sort(slots)
	for page := range slices.Chunk(slices.Compact(slots), store.MaxBatch) {
		var deletes []clientv3.Op
		for _, slot := range page {
			deletes = append(deletes, clientv3.OpDelete(s.b.names.slot(slot)))
		}
		rev, err := s.delete(ctx, clientv3.OpTxn(nil, deletes, nil))
		if err != nil {
			return err
		}
		if s.b.compact != nil {
			s.b.compact.ages.Note(rev, time.Now())
		}
	}
	return nil
}

// delete repeats a deletion of unknown outcome until ctx ends, at most maxSends times.
func (s *Slots) delete(ctx context.Context, op clientv3.Op) (rev int64, err error) {
	for range maxSends {
		if rev, err = s.b.commit(op); !errors.Is(err, store.ErrUnknown) || ctx.Err() != nil {
			return rev, err
		}
	}
	return rev, err
}

// Each implements [store.Slots.Each]. It reads pages, each at a revision of its own.
func (s *Slots) Each(ctx context.Context, after string, fn func(slot string, damage error) bool) error {
	if after != "" && !engine.IsSlotName(after) {
		return store.ErrNoSlot
	}
	for {
		page, err := s.page(ctx, after)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, after = range page {
			if !fn(after, nil) {
				return nil
			}
		}
	}
}

// page returns the names of some slots behind a slot.
func (s *Slots) page(ctx context.Context, after string) ([]string, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	start := s.b.names.slot(after)
	if after != "" {
		start += "\x00" // the first key behind it
	}
	got, err := s.b.read(ctx, clientv3.OpGet(start, clientv3.WithRange(s.b.names.slotsEnd()), clientv3.WithKeysOnly(),
		clientv3.WithLimit(slotsPage)))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(got.Get().Kvs))
	for i, kv := range got.Get().Kvs {
		names[i] = string(kv.Key[len(s.b.names.slot("")):])
	}
	return names, nil
}

// Close implements [store.Slots.Close].
func (s *Slots) Close() error {
	if s.closed.Swap(true) {
		return store.ErrClosed
	}
	return nil
}
