package local

import (
	"runtime"
	"sync"

	"github.com/keyhold/keyhold/internal/store"
)

// maxJoin is the maximum number of batches in one bbolt transaction.
const maxJoin = 256

// A request is a batch that waits for the committer. The committer sets rev and err and then closes done.
type request struct {
	batch store.Batch
	rev   int64
	err   error
	done  chan struct{}
}

// A queue holds the requests that wait while the committer is busy. The longer a sync takes, the more requests
// share the next one.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting []*request
	cause   error // why the queue accepts no more requests, or nil
}

func newQueue() *queue {
	q := &queue{}
	q.changed.L = &q.mu
	return q
}

// commit queues a batch and waits for its result.
func (q *queue) commit(b store.Batch) (int64, error) {
	r := &request{batch: b, done: make(chan struct{})}
	if err := q.add(r); err != nil {
		return 0, err
	}
	<-r.done
	return r.rev, r.err
}

func (q *queue) add(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.cause != nil {
		return q.cause
	}
	q.waiting = append(q.waiting, r)
	q.changed.Signal()
	return nil
}

// take waits for requests and returns them. It returns none after stop.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && q.cause == nil {
		q.changed.Wait()
	}
	q.mu.Unlock()
	runtime.Gosched() // lets goroutines that are about to commit do so before this sync
	q.mu.Lock()
	n := min(len(q.waiting), maxJoin)
	taken := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return taken
}

// stop answers all present and future requests with cause. Later calls have no effect.
func (q *queue) stop(cause error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.cause == nil {
		q.cause = cause
		answer(q.waiting, cause)
		q.waiting = nil
		q.changed.Signal()
	}
}

// answer releases requests. If err is not nil, it replaces their results.
func answer(requests []*request, err error) {
	for _, r := range requests {
		if err != nil {
			r.rev, r.err = 0, err
		}
		close(r.done)
	}
}
