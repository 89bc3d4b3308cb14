package cluster

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/keyhold/keyhold/internal/store"
)

// removedAtOnce is the number of events that one transaction of a node removes.
const removedAtOnce = 64

// bareClients send the transactions of changes without reading anything: each knows the revisions of its keys.
type bareClients struct {
	etcd   *clientv3.Client
	known  []map[string]int64 // of each client
	serial atomic.Int64
	events chan string // to be removed
}

func newBareClients(t *testing.T, servers []*server) *bareClients {
	t.Helper()
	b := &bareClients{etcd: admin(t, servers), events: make(chan string, 100*removedAtOnce)}
	for range writers {
		b.known = append(b.known, map[string]int64{})
	}
	go b.remove(t)
	return b
}

// change sends the transaction of a Batch, with keys of the client. A key that the Batch checks to be absent gets a
// new name. A key that exists in the Batch is made first, once.
func (b *bareClients) change(t *testing.T, batch store.Batch, client int) {
	known, serial := b.known[client], b.serial.Add(1)
	names := map[string]string{}
	var checks []clientv3.Cmp
	for _, c := range batch.Checks {
		name := fmt.Sprintf("bare/%04d/%s", client, c.Key)
		if c.Rev == 0 {
			name = fmt.Sprintf("bare/%04d/%08d/%s", client, serial, c.Key)
		} else if known[name] == 0 {
			known[name] = b.put(t, name)
		}
		names[string(c.Key)] = name
		checks = append(checks, clientv3.Compare(clientv3.ModRevision(name), "=", known[name]))
	}
	var writes []clientv3.Op
	for _, w := range batch.Writes {
		name := names[string(w.Key)]
		if name == "" {
			name = fmt.Sprintf("bare/%04d/%08d/%s", client, serial, w.Key)
		}
		names[string(w.Key)] = name
		if w.Value == nil {
			writes = append(writes, clientv3.OpDelete(name))
		} else {
			writes = append(writes, clientv3.OpPut(name, string(w.Value)))
		}
	}
	out, err := b.etcd.Txn(t.Context()).If(checks...).Then(writes...).Commit()
	if err != nil || !out.Succeeded {
		t.Errorf("a bare transaction: %v", err)
		return
	}
	for _, w := range batch.Writes {
		name := names[string(w.Key)]
		if known[name] != 0 {
			known[name] = out.Header.Revision
		}
		if strings.Contains(name, "outbox/") {
			b.events <- name
		}
	}
}

func (b *bareClients) put(t *testing.T, name string) int64 {
	out, err := b.etcd.Put(t.Context(), name, "value")
	if err != nil {
		t.Error(err)
		return 0
	}
	return out.Header.Revision
}

// remove removes the events, as many at a time as a node does.
func (b *bareClients) remove(t *testing.T) {
	for {
		var removals []clientv3.Op
		for range removedAtOnce {
			select {
			case name := <-b.events:
				removals = append(removals, clientv3.OpDelete(name))
			case <-t.Context().Done():
				return
			}
		}
		if _, err := b.etcd.Txn(t.Context()).Then(removals...).Commit(); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	}
}
