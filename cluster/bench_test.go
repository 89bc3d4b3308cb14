package cluster

import (
	"fmt"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
)

// BenchmarkCommit compares transactions of a Store, which read before they write, with bare transactions of etcd.
// 64 writers run at once.
func BenchmarkCommit(b *testing.B) {
	servers := startCluster(b, 1)
	c := config(b, servers)
	backend, client := open(b, c), admin(b, servers)
	value := make([]byte, 500)
	var n atomic.Int64
	b.Run("Backend", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				k := []byte(fmt.Sprint("k", n.Add(1)))
				var rev int64
				err := backend.View(b.Context(), func(r store.Reader) error {
					item, err := store.ReadItem(r, k)
					rev = item.Rev
					return err
				})
				if err != nil {
					b.Error(err)
				}
				_, err = backend.Commit(b.Context(), store.Batch{Checks: []store.Check{{Key: k, Rev: rev}},
					Writes: []store.Write{{Key: k, Value: value}, {Key: append(k, 'x'), Value: value}}})
				if err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("bare", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				k := fmt.Sprint("bare", n.Add(1))
				_, err := client.Txn(b.Context()).If(clientv3.Compare(clientv3.ModRevision(k), "=", 0)).
					Then(clientv3.OpPut(k, string(value)), clientv3.OpPut(k+"x", string(value))).Commit()
				if err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("View", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				err := backend.View(b.Context(), func(r store.Reader) error {
					_, err := r.Get([]byte("k1"))
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	})
}
