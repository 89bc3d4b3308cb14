package local

import (
	"runtime"
	"sync"

	"github.com/keyhold/keyhold/internal/store"
)

// maxJoin is how many batches one bbolt transaction takes.
const maxJoin = 256

// A request is a batch that waits for the committer, who sets rev and err and
// then closes done.
type request struct {
	batch store.Batch
	rev   int64
	err   error
	done  chan struct{}
}

// A queue holds the requests that wait while the committer is at work: the
// longer a sync takes, the more of them share the next.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting []*request
	cause   error // why no more are taken, if so
}

func newQueue() *queue {
	q := &queue{}
	q.changed.L = &q.mu
	return q
}

// commit queues a batch and waits for its answer.
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

// take returns what waits, once something does, and nothing once stop was
// called.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && q.cause == nil {
		q.changed.Wait()
	}
	q.mu.Unlock()
	runtime.Gosched() // those who are about to commit do so first, for this sync
	q.mu.Lock()
	n := min(len(q.waiting), maxJoin)
	taken := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return taken
}

// stop answers all that wait, now and later, with cause. The first cause stays.
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

// answer releases requests, each with err if it is not nil, and else with what
// it was given.
func answer(requests []*request, err error) {
	for _, r := range requests {
		if err != nil {
			r.rev, r.err = 0, err
		}
		close(r.done)
	}
}
