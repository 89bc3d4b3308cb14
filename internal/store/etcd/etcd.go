// Package etcd is a Backend on an etcd cluster, for deployments of several nodes.
//
// Several processes may use the same cluster and prefix. Every View and Commit goes to a majority of the
// members, so it survives the loss of the others. The package repeats reads, and commits that certainly did not
// reach a member. It never repeats a commit of unknown outcome.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/engine"
)

// ErrOtherCluster means that the members belong to another cluster than the one that the records were written
// in, for example to a cluster that was restored from a snapshot.
var ErrOtherCluster = errors.New("the records belong to another etcd cluster")

// A Backend is a [store.Backend] on an etcd cluster. Its methods may be called concurrently.
type Backend struct {
	members *members
	names   names
	timeout time.Duration
	asker   engine.Asker[int64] // for the newest revision of the cluster
	joiner  joiner
	head    head
	views   engine.Views
	compact *compactor // nil without compaction

	life context.Context // ends with Close
	end  context.CancelFunc

	mu      sync.Mutex
	closed  bool
	cluster uint64         // ID of the cluster; 0 until the first response
	wrong   error          // set for good when a response comes from another cluster
	running sync.WaitGroup // Views, Commits and the compactor; Add only under mu while not closed
}

var _ store.Backend = (*Backend)(nil)

// Open connects to a cluster and returns its Backend. It writes the ID of a new cluster beside the records. If
// the records were written in another cluster, Open returns [ErrOtherCluster], unless c.Cluster is the ID of the
// new one.
func Open(ctx context.Context, c Config) (*Backend, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	members, err := newMembers(c)
	if err != nil {
		return nil, err
	}
	b := &Backend{members: members, names: newNames(c.Prefix), timeout: or(c.Timeout, DefaultTimeout)}
	b.joiner.send = b.commitAll
	b.asker.Question, b.head.raised = b.askNewest, make(chan struct{})
	b.life, b.end = context.WithCancel(context.Background())
	if err := b.claim(ctx, c.Cluster); err != nil {
		b.Close()
		return nil, fmt.Errorf("open the store on etcd: %w", err)
	}
	if c.Keep >= 0 {
		b.compact = newCompactor(b, or(c.Keep, DefaultKeep), c.Log)
		b.running.Go(func() { b.compact.run(b.life) })
	}
	return b, nil
}

func or(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

// claim compares the ID of the cluster with the record of it, which it writes if there is none.
func (b *Backend) claim(ctx context.Context, accepted string) error {
	got, err := b.read(ctx, clientv3.OpGet(b.names.cluster()))
	if err != nil {
		return err
	}
	id := strconv.FormatUint(b.cluster, 16)
	var rev int64
	if kvs := got.Get().Kvs; len(kvs) > 0 {
		rev = kvs[0].ModRevision
		switch was := string(kvs[0].Value); {
		case was == id:
			return nil
		case accepted != id:
			return fmt.Errorf("%w: they are from cluster %s, and this is cluster %s. If you restored the records from a "+
				"snapshot, add cluster=%s to the URL of the store, once", ErrOtherCluster, was, id, id)
		}
	}
	_, err = b.commit(clientv3.OpTxn(
		[]clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(b.names.cluster()), "=", rev)},
		[]clientv3.Op{clientv3.OpPut(b.names.cluster(), id)}, nil))
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUnknown) { // another node does the same
		return b.claim(ctx, accepted)
	}
	return err
}

// Close implements [store.Backend.Close].
func (b *Backend) Close() error {
	b.mu.Lock()
	was := b.closed
	b.closed = true
	b.mu.Unlock()
	b.end()
	b.running.Wait()
	if was {
		return nil
	}
	return b.members.close()
}

// enter begins a View or a Commit, which the caller ends by leave.
func (b *Backend) enter(ctx context.Context) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, store.ErrClosed
	}
	if b.wrong != nil {
		return nil, b.wrong
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.running.Add(1)
	return b.running.Done, nil
}

// isOurs returns an error if a response comes from another cluster than the first one. From then on the Backend
// is of no use: a process must not serve records of two histories.
func (b *Backend) isOurs(h *pb.ResponseHeader) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cluster == 0 {
		b.cluster = h.GetClusterId()
	}
	if b.wrong == nil && h.GetClusterId() != b.cluster {
		b.wrong = fmt.Errorf("%w: a member answered for cluster %x, not %x", ErrOtherCluster, h.GetClusterId(), b.cluster)
	}
	return b.wrong
}
