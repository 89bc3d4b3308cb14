package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
)

// A full member may have applied a commit that it answers with "no space". Slots can be erased nevertheless, and
// the same Backend works when there is space.
func TestNoSpace(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1, "--unsafe-no-fsync", "--quota-backend-bytes", "8000000")
	b := open(t, config(t, servers))
	slots := b.Slots()
	slot, err := slots.Put(t.Context(), bytes.Repeat([]byte{1}, store.SlotSize))
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "a", "")
	last := 0
	for ; err == nil; last++ {
		batch := store.Batch{Writes: []store.Write{{Key: fmt.Append(nil, last), Value: make([]byte, 1<<19)}}}
		if _, err = b.Commit(t.Context(), batch); err == nil && last > 100 {
			t.Fatal("the quota does not work")
		}
	}
	if !errors.Is(err, store.ErrUnknown) || !strings.Contains(err.Error(), "space") {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	has(t, b, "a")
	if err := slots.Erase(t.Context(), slot); err != nil {
		t.Errorf("erasure without space: %v", err)
	}
	var deletes store.Batch
	for i := range last {
		deletes.Writes = append(deletes.Writes, store.Write{Key: fmt.Append(nil, i)})
	}
	rev, err := b.Commit(t.Context(), deletes)
	if err != nil {
		t.Fatalf("deletion without space: %v", err)
	}
	client := admin(t, servers)
	if _, err = client.Compact(t.Context(), rev); err == nil {
		_, err = client.Defragment(t.Context(), servers[0].client)
	}
	if err != nil {
		t.Fatal(err)
	}
	alarms, err := client.AlarmList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, alarm := range alarms.Alarms {
		if _, err := client.AlarmDisarm(t.Context(), &clientv3.AlarmMember{MemberID: alarm.MemberID, Alarm: alarm.Alarm}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, b, "b", "")
}
