package admit

import (
	"context"
	"sync"
)

// Queues have a Queue for each of many things, such as keys. Only things that are
// in use take memory. The methods may be called concurrently.
type Queues struct {
	bounds Bounds // of each Queue

	mu    sync.Mutex
	inUse map[string]*used
}

type used struct {
	*Queue
	users int // in the Queue, or on the way into it
}

// NewQueues returns Queues that have the same bounds each.
func NewQueues(each Bounds) *Queues { return &Queues{bounds: each, inUse: map[string]*used{}} }

// Enter is Queue.Enter for the Queue of the thing.
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

// Leave is Queue.Leave for the Queue of the thing.
func (q *Queues) Leave(thing string) {
	q.mu.Lock()
	u := q.inUse[thing]
	q.mu.Unlock()
	u.Leave()
	q.forget(thing, u)
}

// forget removes the Queue of the thing after its last user.
func (q *Queues) forget(thing string, u *used) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if u.users--; u.users == 0 {
		delete(q.inUse, thing)
	}
}

// Len returns the number of things that are in use.
func (q *Queues) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.inUse)
}
