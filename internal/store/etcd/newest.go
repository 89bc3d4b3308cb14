package etcd

import (
	"context"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
)

// An asker asks the members for the newest revision. All Views that begin while a question is on its way share the
// next question, so their number does not matter to etcd.
type asker struct {
	mu   sync.Mutex
	busy bool      // a question is on its way
	next *question // has not been asked; nil if nobody waits for it
}

// A question has an answer when done is closed.
type question struct {
	done chan struct{}
	rev  int64
	err  error
}

// newest returns the newest revision of the cluster, at a time after the call.
func (b *Backend) newest(ctx context.Context) (int64, error) {
	q := b.joinQuestion()
	select {
	case <-q.done:
		return q.rev, q.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// joinQuestion returns a question that was not asked before the call.
func (b *Backend) joinQuestion() *question {
	b.asker.mu.Lock()
	defer b.asker.mu.Unlock()
	if b.asker.next == nil {
		b.asker.next = &question{done: make(chan struct{})}
	}
	if !b.asker.busy {
		b.asker.busy = true
		go b.askAll()
	}
	return b.asker.next
}

// askAll asks one question after the other, until nobody waits for one.
func (b *Backend) askAll() {
	for {
		b.asker.mu.Lock()
		q := b.asker.next
		b.asker.next, b.asker.busy = nil, q != nil
		b.asker.mu.Unlock()
		if q == nil {
			return
		}
		q.rev, q.err = b.askNewest()
		close(q.done)
	}
}

// askNewest asks a majority of the members.
func (b *Backend) askNewest() (int64, error) {
	got, err := b.read(b.life, clientv3.OpGet(b.names.cluster(), clientv3.WithCountOnly()))
	if err != nil && b.life.Err() != nil {
		return 0, store.ErrClosed
	}
	if err != nil {
		return 0, err
	}
	rev := got.Get().Header.Revision
	b.head.raise(rev)
	return rev, nil
}
