package etcd

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A hold is a key that keeps other processes from compacting a revision. It disappears with its lease, if the
// process ends without removing it.
type hold struct {
	name  string
	rev   int64 // 0 means that there is no hold
	lease clientv3.LeaseID
}

func newHold() hold { return hold{name: uuid.NewString()} }

// renew makes the hold protect a revision for another while, or removes the hold if the revision is 0.
func (h *hold) renew(ctx context.Context, b *Backend, rev int64, ttl time.Duration) error {
	if rev == 0 {
		return h.release(b)
	}
	member, _ := b.members.now()
	client, _, err := member.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if h.lease != 0 && rev == h.rev {
		_, err := client.KeepAliveOnce(ctx, h.lease)
		if !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return err
		}
	}
	lease, err := client.Grant(ctx, int64(max(ttl/time.Second, 1)))
	if err != nil {
		return err
	}
	if _, err := b.commit(clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut(b.names.hold(h.name),
		strconv.FormatInt(rev, 10), clientv3.WithLease(lease.ID))}, nil)); err != nil {
		return err
	}
	h.rev, h.lease = rev, lease.ID
	return nil
}

// release removes the hold. If that fails, the lease does it.
func (h *hold) release(b *Backend) error {
	if h.rev == 0 {
		return nil
	}
	h.rev, h.lease = 0, 0
	_, err := b.commit(clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpDelete(b.names.hold(h.name))}, nil))
	return err
}
