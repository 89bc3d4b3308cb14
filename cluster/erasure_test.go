package cluster

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/etcd"
)

// A thief has the files of the members, the root key, and the sealed material of an old record.
type thief struct {
	keyring *seal.Keyring
	key     key.Key
	sealed  key.Material
}

// recovered returns the kinds of files, db and wal, from which the thief opens the material.
func (th thief) recovered(t *testing.T, servers []*server) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, s := range servers {
		err := filepath.WalkDir(s.folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return ignoreMissing(err)
			}
			content, err := os.ReadFile(path)
			if th.opens(t.Context(), content) {
				counts[strings.TrimPrefix(filepath.Ext("x."+filepath.Base(path)), ".")]++
			}
			return ignoreMissing(err)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

// ignoreMissing ignores that a server has removed a file meanwhile.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// opens tries what follows each name of the slot in a file as its secret.
func (th thief) opens(ctx context.Context, content []byte) bool {
	for {
		i := bytes.Index(content, []byte(th.sealed.Slot))
		if i < 0 {
			return false
		}
		content = content[i+len(th.sealed.Slot):]
		for offset := 0; offset < 64 && offset+store.SlotSize <= len(content); offset++ {
			slots := oneSlot{secret: content[offset : offset+store.SlotSize]}
			if _, err := material.NewSealer(slots, th.keyring.Materials()).Open(ctx, th.key, th.sealed); err == nil {
				return true
			}
		}
	}
}

// oneSlot has one secret under every name.
type oneSlot struct {
	store.Slots
	secret []byte
}

func (s oneSlot) Get(context.Context, string) ([]byte, error) { return bytes.Clone(s.secret), nil }

// SECURITY.md says where the secret of erased material remains, and how long. Somebody with the root key reads the
// files of all members after each step.
func TestErasure(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 3, "--snapshot-count", "50", "--max-wals", "1", "--max-snapshots", "1")
	c := config(t, servers)
	c.Keep = keep
	b := open(t, c)
	slots := b.Slots()
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	sealer := material.NewSealer(slots, keyring.Materials())
	th := thief{keyring: keyring, key: key.Key{ID: "1", Account: "111122223333", Region: "eu-west-1", Spec: key.SymmetricDefault}}
	if th.sealed, err = sealer.Seal(t.Context(), th.key, "1", make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	fill(t, b, 1) // etcd writes its database a moment later
	waitFor(t, "the secret is in the files of all members", func() bool {
		got := th.recovered(t, servers)
		return got["db"] == 3 && got["wal"] == 3
	})

	if err := slots.Erase(t.Context(), th.sealed.Slot); err != nil {
		t.Fatal(err)
	}
	if _, err := sealer.Open(t.Context(), th.key, th.sealed); !errors.Is(err, store.ErrNoSlot) {
		t.Errorf("erased material opens through the store: %v", err)
	}
	if got := th.recovered(t, servers); got["db"] != 3 {
		t.Errorf("just after the erasure, the history has the secret in %v", got)
	}
	waitForCompaction(t, servers, b)
	t.Logf("after compaction the secret is in %v", th.recovered(t, servers))
	client := admin(t, servers)
	for _, s := range servers {
		if _, err := client.Defragment(t.Context(), s.client); err != nil {
			t.Fatal(err)
		}
	}
	got := th.recovered(t, servers)
	t.Logf("after defragmentation the secret is in %v", got)
	if got["db"] != 0 || got["wal"] != 3 {
		t.Errorf("after defragmentation the secret is in %v", got)
	}
	if os.Getenv("KEYHOLD_CLUSTER") == "" {
		return // the log is removed twice a minute
	}
	waitFor(t, "the members remove the segments of the log", func() bool {
		fill(t, b, 20)
		time.Sleep(time.Second)
		return len(th.recovered(t, servers)) == 0
	})
}

// fill writes some megabytes.
func fill(t *testing.T, b store.Backend, n int) {
	t.Helper()
	for range n {
		put(t, b, "fill", strings.Repeat("x", store.MaxBytes/2))
	}
}

// waitForCompaction waits until the erasure is compacted, and until the members have carried the compaction out.
func waitForCompaction(t *testing.T, servers []*server, b *etcd.Backend) {
	t.Helper()
	rev := put(t, b, "a", "")
	waitFor(t, "the compaction that the erasure has asked for", func() bool {
		put(t, b, "a", "")
		return errors.Is(b.Watch(t.Context(), rev-1, func(store.Change) error { return errEnough }), store.ErrCompacted)
	})
	time.Sleep(time.Second)
}
