package etcd

import (
	"context"
	"sync"

	"github.com/keyhold/keyhold/internal/store"
)

// maxQueued is the maximum number of keys in the changes that wait for the consumer of a Watch.
const maxQueued = 1 << 16

// A queue passes changes to the consumer of a Watch, which may be slow. The client of etcd keeps everything that a
// watcher has not read, with its values and without a bound. Therefore the watcher reads at once, and the queue has
// the bound.
type queue struct {
	fn  func(store.Change) error
	max int // keys

	mu      sync.Mutex
	changes []store.Change
	keys    int
	due     chan struct{} // signals changes
	ended   chan struct{} // closed when fn is not called any more, for the reason err
	err     error
}

func newQueue(maxKeys int, fn func(store.Change) error) *queue {
	return &queue{fn: fn, max: maxKeys, due: make(chan struct{}, 1), ended: make(chan struct{})}
}

// add queues a change. It returns ErrCompacted if too many changes wait: the consumer must watch again from the
// revision of a View.
func (q *queue) add(c store.Change) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	last := len(q.changes) - 1
	switch {
	case len(c.Keys) == 0 && last >= 0 && len(q.changes[last].Keys) == 0:
		q.changes[last] = c // the newer one says more
	case q.keys+len(c.Keys) > q.max:
		return store.ErrCompacted
	default:
		q.changes = append(q.changes, c)
		q.keys += len(c.Keys)
	}
	select {
	case q.due <- struct{}{}:
	default:
	}
	return nil
}

// take returns all changes that wait.
func (q *queue) take() []store.Change {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.changes
	q.changes, q.keys = nil, 0
	return all
}

// start begins to call fn. The caller must call end, which waits until fn is not called any more.
func (q *queue) start(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(q.ended)
		q.err = q.run(ctx)
	}()
	return func() {
		cancel()
		<-q.ended
	}
}

// run calls fn with the changes until ctx ends or fn returns an error, and returns this error.
func (q *queue) run(ctx context.Context) error {
	for {
		select {
		case <-q.due:
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, c := range q.take() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := q.fn(c); err != nil {
				return err
			}
		}
	}
}
