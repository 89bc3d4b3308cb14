package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/etcd"
)

// A slotsNode is a node in this process, with a connection of its own to the cluster.
type slotsNode struct {
	*service.Service
	log   *audit.Log
	blobs [][]byte
	keys  []string
}

func openNode(t *testing.T, id string, b *etcd.Backend, root seal.Root) *slotsNode {
	t.Helper()
	n := &slotsNode{log: audit.New(audit.Discard{}, audit.Options{})}
	var err error
	n.Service, err = service.Open(t.Context(), service.Config{
		Backend: b, Slots: b.Slots(), Root: root, Audit: n.log, Clock: service.NewClock(time.Now),
		Log: slog.New(slog.DiscardHandler), Create: true, Node: id, Shared: true, Address: id, Version: "v1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *slotsNode) close() error { return errors.Join(n.log.Close(), n.Close()) }

func (n *slotsNode) do(ctx context.Context, operation string, in any) (any, error) {
	op, _ := n.Find(operation)
	return n.Do(ctx, service.Request{
		ID: "r", Caller: identity.Caller{Principal: identity.Root("111122223333"), Region: "eu-west-2"},
		SourceIP: "192.0.2.1", Operation: op, Input: in,
	})
}

// work makes keys, rotates them, and encrypts with them, until stop.
func (n *slotsNode) work(ctx context.Context, stop *atomic.Bool) {
	for i := 0; !stop.Load(); i++ {
		if i%3 == 0 || len(n.keys) == 0 {
			out, err := n.do(ctx, "CreateKey", &api.CreateKeyRequest{})
			if err == nil {
				n.keys = append(n.keys, *out.(*api.CreateKeyResponse).KeyMetadata.KeyId)
			}
			continue
		}
		id := n.keys[i%len(n.keys)]
		n.do(ctx, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id})
		if out, err := n.do(ctx, "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")}); err == nil {
			n.blobs = append(n.blobs, out.(*api.EncryptResponse).CiphertextBlob)
		}
	}
}

func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Rounds that erase the slots that no record names run while two nodes make and rotate keys, and while their server
// of etcd is stopped from time to time, so that outcomes are unknown. No key is lost, and no slot is left.
func TestReclaim(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1, "--unsafe-no-fsync")
	c, root := config(t, servers), seal.NewEphemeralRoot()
	c.Timeout = time.Second
	backend := open(t, c)
	nodes := []*slotsNode{openNode(t, "A", backend, root), openNode(t, "B", open(t, c), root)}
	var stop atomic.Bool
	var workers sync.WaitGroup
	for _, n := range nodes {
		workers.Go(func() { n.work(t.Context(), &stop) })
	}
	rounds, erased := 0, 0
	for i := range 12 {
		if _, err := backend.Slots().Put(t.Context(), make([]byte, store.SlotSize)); err != nil {
			t.Log(err)
		}
		if i%4 == 3 {
			servers[0].signal(t, syscall.SIGSTOP)
			time.Sleep(1500 * time.Millisecond)
			servers[0].signal(t, syscall.SIGCONT)
		}
		reclaimed, err := nodes[i%2].ReclaimSlots(t.Context(), atOnce)
		if erased += reclaimed; err == nil {
			rounds++
		}
	}
	stop.Store(true)
	workers.Wait()
	waitFor(t, "a round", func() bool {
		reclaimed, err := nodes[0].ReclaimSlots(t.Context(), atOnce)
		erased += reclaimed
		return err == nil
	})
	var keys, blobs int
	for i, n := range nodes {
		keys, blobs = keys+len(n.keys), blobs+len(n.blobs)
		for _, blob := range n.blobs {
			waitFor(t, "a decryption", func() bool {
				_, err := nodes[1-i].do(t.Context(), "Decrypt", &api.DecryptRequest{CiphertextBlob: blob})
				if err != nil && strings.Contains(fmt.Sprint(err), store.ErrNoSlot.Error()) {
					t.Fatal(err)
				}
				return err == nil
			})
		}
	}
	t.Logf("%d rounds erased %d slots; %d keys, %d ciphertexts", rounds, erased, keys, blobs)
	if rounds == 0 || erased < 6 || keys == 0 || blobs == 0 {
		t.Error("hardly anything happened: the test tested nothing")
	}
	for _, n := range nodes {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	}
	found, err := integrity.Verify(t.Context(), integrity.Remains{
		Backend: backend, Slots: backend.Slots(), Root: root, Log: io.NewSectionReader(strings.NewReader(""), 0, 0),
	}, func(f integrity.Finding) { t.Errorf("keyhold verify: %s", f) })
	if err != nil || strings.Contains(strings.Join(found.Notes, "\n"), "no record names") {
		t.Errorf("keyhold verify: %v, %q", err, found.Notes)
	}
}
