package admit

import (
	"context"
	"sync"
)

// Queues are one Queue for each of many things, such as keys. Only things in use take memory. The methods may
// be called concurrently.
type Queues struct {
	bounds Bounds // bounds of each Queue

	mu    sync.Mutex
	inUse map[string]*used
}

type used struct {
	*Queue
	users int // callers that are in the Queue or about to enter
}

// NewQueues returns Queues with the given bounds for each Queue.
func NewQueues(each Bounds) *Queues { return &Queues{bounds: each, inUse: map[string]*used{}} }

// Enter calls Queue.Enter on the Queue of the thing.
func (q *Queues) Enter(ctx context.Context, thing, name string) error {
	q.mu.Lock()
	u := q.inUse[thing]
	if u == nil {
		u = &used{Queue: NewQueue(q.bounds)}
		q.inUse[thing] = u
	}
	u.users++
	q.mu.Unlock()
	err := u.Enter(ctx, name)
	if err != nil {
		q.forget(thing, u)
	}
	return err
}

// Leave calls Queue.Leave on the Queue of the thing.
func (q *Queues) Leave(thing string) {
	q.mu.Lock()
	u := q.inUse[thing]
	q.mu.Unlock()
	u.Leave()
	q.forget(thing, u)
}

// forget removes the Queue of the thing when its last user has left.
func (q *Queues) forget(thing string, u *used) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if u.users--; u.users == 0 {
		delete(q.inUse, thing)
	}
}

// Len returns the number of things in use.
func (q *Queues) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.inUse)
}
