package cluster

import (
	"fmt"
	"sync"
	"testing"
)

// If etcd allows fewer operations in a transaction than by default, commits that do not fit together are made alone.
func TestLowOperationLimit(t *testing.T) {
	servers := startCluster(t, 1, "--unsafe-no-fsync", "--max-txn-ops=8")
	b := open(t, config(t, servers))
	const commits = 60
	var all sync.WaitGroup
	for i := range commits {
		all.Go(func() {
			if _, err := b.Commit(t.Context(), write(fmt.Sprint(i))); err != nil {
				t.Errorf("commit %d: %v", i, err)
			}
		})
	}
	all.Wait()
	for i := range commits {
		if !has(t, b, fmt.Sprint(i)) {
			t.Errorf("commit %d was not made", i)
		}
	}
}
