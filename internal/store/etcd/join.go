package etcd

import (
	"errors"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
)

// Limits of a joined transaction. etcd counts the operations of a nested transaction and the number of nested
// transactions together, up to [store.MaxBatch] by default.
const (
	maxJoined      = 32
	maxJoinedOps   = store.MaxBatch - maxJoined // checks of each Batch, and writes
	maxJoinedBytes = 256 << 10
)

// maxSending is the number of transactions on their way at which a Batch waits for others. A transaction that takes
// longer than overdue does not count, so that no Batch waits for a member that does not answer.
const (
	maxSending = 2
	overdue    = 20 * time.Millisecond
)

// A joiner sends the Batches that wait at the same time in one transaction of etcd, each as a nested transaction with
// its own checks. So many writers cost etcd and the network little more than one.
type joiner struct {
	send func(all []*joined) // commits Batches that take has returned, and closes done of each

	mu      sync.Mutex
	sending int
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
func (j *joiner) commit(batch store.Batch) (int64, error) {
	one := &joined{batch: batch, done: make(chan struct{})}
	j.mu.Lock()
	j.waiting = append(j.waiting, one)
	begin := j.sending < maxSending
	if begin {
		j.sending++
	}
	j.mu.Unlock()
	if begin {
		go j.run()
	}
	<-one.done
	return one.rev, one.err
}

// run sends one transaction after the other, until no Batch waits or a transaction was overdue, after which another
// run goes on.
func (j *joiner) run() {
	for all := j.take(); len(all) > 0; all = j.take() {
		late := time.AfterFunc(overdue, j.run)
		j.send(all)
		if !late.Stop() {
			return
		}
	}
}

// take returns the Batches of the next transaction. If there are none, the caller is not counted any more.
//
// etcd evaluates all checks of a transaction before its writes. Therefore no Batch is taken that checks or writes a key
// that a Batch before it writes: the Batches have the results that they have one after the other.
func (j *joiner) take() (all []*joined) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var left []*joined
	written, size := map[string]bool{}, 0
	for _, one := range j.waiting {
		size += one.batch.Size()
		if len(all) > 0 && (len(all) == maxJoined || size > maxJoinedBytes || !fits(all[0].batch) || !fits(one.batch) ||
			touches(one.batch, written)) {
			size -= one.batch.Size()
			left = append(left, one)
			continue
		}
		all = append(all, one)
		for _, w := range one.batch.Writes {
			written[string(w.Key)] = true
		}
	}
	if j.waiting = left; len(all) == 0 {
		j.sending--
	}
	return all
}

// fits reports whether a Batch may share a transaction: it leaves room for others, and it has writes. The checks of a
// Batch without writes must hold at its revision, so no other Batch may write at this revision.
func fits(b store.Batch) bool {
	return len(b.Writes) > 0 && max(len(b.Checks), len(b.Writes)) <= maxJoinedOps
}

// touches reports whether a Batch checks or writes a key.
func touches(b store.Batch, keys map[string]bool) bool {
	for _, c := range b.Checks {
		if keys[string(c.Key)] {
			return true
		}
	}
	for _, w := range b.Writes {
		if keys[string(w.Key)] {
			return true
		}
	}
	return false
}

// commitAll commits Batches in one transaction, and sets their results. If etcd rejects the transaction as invalid,
// because of one Batch or of lower limits, commitAll commits each Batch alone.
func (b *Backend) commitAll(all []*joined) {
	if len(all) > 1 {
		ops := make([]clientv3.Op, len(all))
		for i, one := range all {
			ops[i] = b.transaction(one.batch)
		}
		got, err := b.transact(clientv3.OpTxn(nil, ops, nil))
		if !errors.Is(err, errRejected) {
			answerAll(all, got, err)
			return
		}
	}
	for _, one := range all {
		one.rev, one.err = b.commit(b.transaction(one.batch))
		close(one.done)
	}
}

// answerAll sets the results of nested transactions.
func answerAll(all []*joined, got *clientv3.TxnResponse, err error) {
	for i, one := range all {
		if one.err = err; err == nil {
			one.rev, one.err = resultOf(got.Header, got.Responses[i].GetResponseTxn().GetSucceeded())
		}
		close(one.done)
	}
}

// resultOf returns the result of a Batch in a transaction.
func resultOf(h *pb.ResponseHeader, succeeded bool) (int64, error) {
	if !succeeded {
		return 0, store.ErrConflict
	}
	return h.Revision, nil
}
