package postgres

import (
	"context"
	"sync"

	"github.com/keyhold/keyhold/internal/store"
)

// Limits of the Batches of one transaction.
const (
	maxJoined      = 256
	maxJoinedBytes = 4 << 20
)

// A joiner commits the Batches that wait at the same time in one transaction. The order of commits needs a lock that is
// held until the disk and the standby have answered, so the syncs bound the number of transactions in a second, no
// matter how many clients write.
type joiner struct {
	send func(all []*joined) // commits Batches that take has returned, and sets their results

	mu      sync.Mutex
	sending bool
	waiting []*joined
}

// A joined is a Batch on its way. It has a result when done is closed.
type joined struct {
	batch store.Batch
	done  chan struct{}
	rev   int64
	err   error
}

// commit is [Backend.Commit] for a valid Batch.
func (j *joiner) commit(ctx context.Context, batch store.Batch) (int64, error) {
	one := &joined{batch: batch, done: make(chan struct{})}
	j.mu.Lock()
	j.waiting = append(j.waiting, one)
	begins := !j.sending
	j.sending = true
	j.mu.Unlock()
	if begins {
		go j.run()
	}
	select {
	case <-one.done:
	case <-ctx.Done():
		if j.remove(one) {
			return 0, ctx.Err()
		}
		<-one.done // it is under way
	}
	return one.rev, one.err
}

// remove takes a Batch back that is not under way, and reports whether it did so.
func (j *joiner) remove(one *joined) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, other := range j.waiting {
		if other == one {
			j.waiting = append(j.waiting[:i], j.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// run sends one transaction after the other, until no Batch waits.
func (j *joiner) run() {
	for all := j.take(); len(all) > 0; all = j.take() {
		j.send(all)
		for _, one := range all {
			close(one.done)
		}
	}
}

// take returns the Batches of the next transaction, in the order of their arrival.
func (j *joiner) take() (all []*joined) {
	j.mu.Lock()
	defer j.mu.Unlock()
	size := 0
	for len(all) < min(maxJoined, len(j.waiting)) {
		size += j.waiting[len(all)].batch.Size()
		if len(all) > 0 && size > maxJoinedBytes {
			break
		}
		all = j.waiting[:len(all)+1]
	}
	j.waiting = append([]*joined{}, j.waiting[len(all):]...)
	j.sending = len(all) > 0
	return all
}
