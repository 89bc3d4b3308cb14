package cluster

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/etcd"
)

// keep is how long revisions stay readable in these tests.
const keep = 3 * time.Second

// put writes a value and returns the revision.
func put(t *testing.T, b store.Backend, key, value string) int64 {
	t.Helper()
	rev, err := b.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte(key), Value: []byte(value)}}})
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// get returns the value of a key.
func get(t *testing.T, r store.Reader, key string) string {
	t.Helper()
	item, err := store.ReadItem(r, []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return string(item.Value)
}

// waitFor returns when a condition holds.
func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// Revisions disappear after a while, but not those that a View reads, in this process or in another one. Three
// nodes compact at once.
func TestCompaction(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1, "--unsafe-no-fsync")
	client := admin(t, servers)
	c := config(t, servers)
	c.Keep = keep
	var nodes []*etcd.Backend
	for range 3 {
		nodes = append(nodes, open(t, c))
	}
	isCompacted := func(rev int64) bool {
		_, err := client.Get(t.Context(), "any", clientv3.WithRev(rev))
		if err != nil && !errors.Is(err, rpctypes.ErrCompacted) {
			t.Fatal(err)
		}
		return err != nil
	}
	first := put(t, nodes[0], "a", "old")
	err := nodes[0].View(t.Context(), func(r store.Reader) error {
		put(t, nodes[1], "b", "")
		waitFor(t, "compaction up to the View", func() bool { return isCompacted(first - 1) })
		began := time.Now()
		for i := 0; time.Since(began) < 3*keep; i++ {
			put(t, nodes[i%3], "a", fmt.Sprint(i))
			if got := get(t, r, "a"); got != "old" {
				t.Fatalf("the View reads %q after %v", got, time.Since(began))
			}
			time.Sleep(keep / 20)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "compaction after the View", func() bool { return isCompacted(first) })
	if err := nodes[1].Watch(t.Context(), first, nil); !errors.Is(err, store.ErrCompacted) {
		t.Errorf("a watch from a compacted revision: %v", err)
	}
}

// A View whose revision somebody else has compacted ends as too old.
func TestTooOld(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1, "--unsafe-no-fsync")
	b := open(t, config(t, servers))
	put(t, b, "a", "")
	err := b.View(t.Context(), func(r store.Reader) error {
		rev := put(t, b, "a", "")
		if _, err := admin(t, servers).Compact(t.Context(), rev); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Get([]byte("a")); !errors.Is(err, store.ErrTooOld) {
			t.Errorf("Get: %v", err)
		}
		_, err := r.Scan(nil, nil, 1)
		return err
	})
	if !errors.Is(err, store.ErrTooOld) {
		t.Errorf("Scan: %v", err)
	}
}
