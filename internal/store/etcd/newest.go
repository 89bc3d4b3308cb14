package etcd

import (
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
)

// askNewest asks a majority of the members.
func (b *Backend) askNewest() (int64, error) {
	got, err := b.read(b.life, clientv3.OpGet(b.names.cluster(), clientv3.WithCountOnly()))
	if err != nil && b.life.Err() != nil {
		return 0, store.ErrClosed
	}
	if err != nil {
		return 0, err
	}
	rev := got.Get().Header.Revision
	b.head.raise(rev)
	return rev, nil
}
