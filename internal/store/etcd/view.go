package etcd

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
)

// View implements [store.Backend.View]. A majority of the members gives the revision. Then any member can give
// the records, because a revision never changes.
func (b *Backend) View(ctx context.Context, fn func(store.Reader) error) error {
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	rev, err := b.asker.Ask(ctx)
	if err != nil {
		return err
	}
	r := &reader{ctx, b, rev}
	defer b.views.Begin(rev)()
	return fn(r)
}

// A reader reads one revision, until the context of its View ends.
type reader struct {
	ctx context.Context
	b   *Backend
	rev int64
}

// Rev implements [store.Reader.Rev].
func (r *reader) Rev() int64 { return r.rev }

// Get implements [store.Reader.Get].
func (r *reader) Get(keys ...[]byte) ([]store.Item, error) {
	if err := store.ValidateGet(keys); err != nil || len(keys) == 0 {
		return nil, errors.Join(err, r.ctx.Err())
	}
	got, err := r.read(func(at ...clientv3.OpOption) clientv3.Op { return r.b.gets(keys, at...) })
	if err != nil {
		return nil, err
	}
	return r.b.itemsOf(keys, got), nil
}

// GetNewest implements [store.NewestGetter]: a majority of the members knows the revision that a member reads.
func (b *Backend) GetNewest(ctx context.Context, keys ...[]byte) ([]store.Item, int64, error) {
	if err := store.ValidateGet(keys); err != nil {
		return nil, 0, err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	if len(keys) == 0 {
		rev, err := b.asker.Ask(ctx)
		return nil, rev, err
	}
	got, err := b.read(ctx, b.gets(keys))
	if err != nil {
		return nil, 0, err
	}
	rev := got.Txn().Header.Revision
	b.head.raise(rev)
	return b.itemsOf(keys, got), rev, nil
}

// gets returns a transaction that reads keys.
func (b *Backend) gets(keys [][]byte, at ...clientv3.OpOption) clientv3.Op {
	gets := make([]clientv3.Op, len(keys))
	for i, key := range keys {
		gets[i] = clientv3.OpGet(b.names.record(key), at...)
	}
	return clientv3.OpTxn(nil, gets, nil)
}

func (b *Backend) itemsOf(keys [][]byte, got clientv3.OpResponse) []store.Item {
	items := make([]store.Item, len(keys))
	for i, key := range keys {
		items[i] = store.Item{Key: append([]byte{}, key...)}
		if kvs := got.Txn().Responses[i].GetResponseRange().Kvs; len(kvs) > 0 {
			items[i] = b.item(kvs[0])
		}
	}
	return items
}

// Scan implements [store.Reader.Scan].
func (r *reader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	start, end := r.b.names.record(from), r.b.names.recordsEnd()
	if to != nil {
		end = r.b.names.record(to)
	}
	if limit < 1 || start >= end {
		return nil, r.ctx.Err()
	}
	got, err := r.read(func(at ...clientv3.OpOption) clientv3.Op {
		return clientv3.OpGet(start, append(at, clientv3.WithRange(end), clientv3.WithLimit(int64(limit)))...)
	})
	if err != nil {
		return nil, err
	}
	items := make([]store.Item, len(got.Get().Kvs))
	for i, kv := range got.Get().Kvs {
		items[i] = r.b.item(kv)
	}
	return items, nil
}

// read asks one member. If this member has not reached the revision, read asks a majority.
func (r *reader) read(op func(at ...clientv3.OpOption) clientv3.Op) (clientv3.OpResponse, error) {
	at := clientv3.WithRev(r.rev)
	got, err := r.b.read(r.ctx, op(at, clientv3.WithSerializable()))
	if errors.Is(err, rpctypes.ErrFutureRev) {
		got, err = r.b.read(r.ctx, op(at))
	}
	if errors.Is(err, rpctypes.ErrCompacted) {
		err = store.ErrTooOld
	}
	return got, err
}

func (b *Backend) item(kv *mvccpb.KeyValue) store.Item {
	value := kv.Value
	if value == nil {
		value = []byte{}
	}
	return store.Item{Key: b.names.own(string(kv.Key)), Value: value, Rev: kv.ModRevision}
}
