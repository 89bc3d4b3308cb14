package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"github.com/keyhold/keyhold/internal/store"
)

// maxSends is how often one commit is sent at most. It is sent again only if it was certainly not applied.
const maxSends = 4

// errRejected means that etcd rejects a transaction as invalid, for example because it has too many operations.
var errRejected = errors.New("etcd rejects a transaction")

// Commit implements [store.Backend.Commit]. The end of ctx does not stop a commit that has begun, because its
// outcome would become unknown.
func (b *Backend) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	if err := batch.Validate(); err != nil {
		return 0, err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	rev, err := b.joiner.commit(batch)
	b.head.raise(rev)
	return rev, err
}

// transaction returns the transaction of a Batch. A transaction without any operation would be checked against
// what one member has, which may be old. Therefore a Batch without writes reads a key.
func (b *Backend) transaction(batch store.Batch) clientv3.Op {
	checks := make([]clientv3.Cmp, len(batch.Checks))
	for i, c := range batch.Checks {
		checks[i] = clientv3.Compare(clientv3.ModRevision(b.names.record(c.Key)), "=", c.Rev)
	}
	var writes []clientv3.Op
	for _, w := range batch.Writes {
		if w.Value == nil {
			writes = append(writes, clientv3.OpDelete(b.names.record(w.Key)))
		} else {
			writes = append(writes, clientv3.OpPut(b.names.record(w.Key), string(w.Value)))
		}
	}
	if len(writes) == 0 {
		writes = append(writes, clientv3.OpGet(b.names.cluster(), clientv3.WithCountOnly()))
	}
	return clientv3.OpTxn(checks, writes, nil)
}

// commit sends a transaction and returns its revision. It returns the errors of [store.Backend.Commit].
func (b *Backend) commit(op clientv3.Op) (int64, error) {
	got, err := b.transact(op)
	if err != nil {
		return 0, err
	}
	return resultOf(got.Header, got.Succeeded)
}

// transact is commit for a transaction whose checks may have failed.
func (b *Backend) transact(op clientv3.Op) (txn *clientv3.TxnResponse, err error) {
	for try := range maxSends {
		if try > 0 {
			time.Sleep(pause)
		}
		member, n := b.members.now()
		var got clientv3.OpResponse
		var wasSent bool
		if got, wasSent, err = b.send(member, op); err == nil {
			return got.Txn(), b.isUsable(got.Txn())
		}
		if wasSent && !isRefusal(err) {
			b.members.leave(n)
			return nil, fmt.Errorf("%w: etcd: %v", store.ErrUnknown, err)
		}
		if wasSent && !isTokenError(err) {
			break
		}
		if !wasSent {
			b.members.leave(n)
		}
	}
	if codeOf(err) == codes.InvalidArgument {
		return nil, fmt.Errorf("%w: %v", errRejected, err)
	}
	return nil, fmt.Errorf("etcd: %v", err) // also if a time-out is the cause, it is not an error of a context
}

// isUsable returns ErrFailed for a response of another cluster.
func (b *Backend) isUsable(got *clientv3.TxnResponse) error {
	if err := b.isOurs(got.Header); err != nil {
		return fmt.Errorf("%w: %w", store.ErrFailed, err)
	}
	return nil
}

// send sends a transaction once, and reports whether any part of it was sent. It waits no longer for a
// connection than for another member.
func (b *Backend) send(m *member, op clientv3.Op) (got clientv3.OpResponse, wasSent bool, err error) {
	_, kv, err := m.connect()
	if err != nil {
		return got, false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	var s sent
	timer := time.AfterFunc(connecting, func() {
		if !s.Load() {
			cancel()
		}
	})
	defer timer.Stop()
	got, err = kv.Do(s.context(ctx), op)
	return got, s.Load(), err
}

// isRefusal reports whether an error of a member says that it did not apply a transaction. It rejects a
// transaction with these errors before it proposes the transaction, or all members reject it alike before they
// write. ErrNoSpace is not among them: a member also returns it for a transaction that it has applied.
func isRefusal(err error) bool {
	switch codeOf(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition,
		codes.Unimplemented, codes.DataLoss:
		return true
	}
	return errors.Is(err, rpctypes.ErrTooManyRequests)
}
