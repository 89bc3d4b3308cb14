package reseal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A sealTest is a deployment in memory.
type sealTest struct {
	*testing.T
	backend store.Backend
	slots   store.Slots
	root    seal.Root
	now     time.Time
	log     bytes.Buffer
}

// A process is a process that has a deployment open.
type process struct {
	*Keeper
	events *[]string
}

var start = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

// newSealTest returns a deployment with keys with material, one of them pending, a token key, and other records.
func newSealTest(t *testing.T, keys int) *sealTest {
	w := &sealTest{T: t, backend: memory.New(), slots: memory.NewSlots(), root: seal.NewEphemeralRoot(), now: start}
	p := w.open(w.backend)
	for i := range keys {
		k := w.key(i)
		k.Materials = []key.Material{w.material(p, k, 1), {ID: "expired"}}
		k.Pending = new(w.material(p, k, 2))
		w.update(p, func(tx *store.Tx) error {
			return errors.Join(
				records.InsertKey(tx, k, records.NewestLevel),
				records.InsertAlias(tx, key.Alias{Account: k.Account, Region: k.Region, KeyID: k.ID, Name: fmt.Sprintf("alias/%04d", i)}))
		})
	}
	tokens := material.NewTokenKeys(p.Materials, p.Keyring.TokenKeys(), noFences{})
	if _, err := tokens.ForSealing(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	return w
}

type noFences struct{}

func (noFences) Fence() int64                     { return 0 }
func (noFences) HoldSlots(*store.Tx, int64) error { return nil }

// key returns a key without material.
func (w *sealTest) key(i int) key.Key {
	return key.Key{
		ID: fmt.Sprintf("11111111-1111-4111-8111-%012d", i), Account: "111122223333", Region: "eu-west-2",
		Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt, Origin: key.OriginExternal, State: key.PendingImport,
		CreationDate: start, Policy: key.DefaultPolicy("111122223333"),
	}
}

// bytesOf returns the bytes of material.
func bytesOf(k key.Key, n byte) []byte {
	return append(bytes.Repeat([]byte{n}, 20), k.ID[len(k.ID)-12:]...)
}

func (w *sealTest) material(p process, k key.Key, n byte) key.Material {
	w.Helper()
	id, err := crypt.MaterialID(k.ID, bytesOf(k, n))
	if err != nil {
		w.Fatal(err)
	}
	m, err := p.Materials.Seal(w.Context(), k, id, bytesOf(k, n))
	if err != nil {
		w.Fatal(err)
	}
	return m
}

// open returns a process that opens the deployment through a Backend.
func (w *sealTest) open(b store.Backend) process {
	w.Helper()
	keyring, err := records.OpenKeyring(w.Context(), b, w.root, true)
	if err != nil {
		w.Fatal(err)
	}
	return w.process(store.New(b, keyring.Records()), keyring, w.root)
}

func (w *sealTest) process(s *store.Store, keyring *seal.Keyring, root seal.Root) process {
	p := process{events: new([]string)}
	vault := material.NewVault(material.NewSealer(w.slots, keyring.Materials()), s, func(func(*store.Tx) error) {})
	p.Keeper = New(Config{
		Store: s, Keyring: keyring, Custody: root, Materials: vault, Now: func() time.Time { return w.now },
		Log:  slog.New(slog.NewTextHandler(&w.log, nil)),
		May:  func() error { return nil },
		Mine: func() bool { return true },
		Record: func(ctx context.Context, event string, details any, change func(*store.Tx) error) error {
			if err := s.Update(ctx, change); err != nil {
				return err
			}
			*p.events = append(*p.events, fmt.Sprintf("%s %v", event, details))
			return nil
		},
	})
	return p
}

func (w *sealTest) update(p process, fn func(*store.Tx) error) {
	w.Helper()
	if err := p.Store.Update(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
}

// make commits a prepared change.
func (w *sealTest) make(p process, c Change, err error) {
	w.Helper()
	if err == nil {
		err = p.Store.Update(w.Context(), c.Put)
	}
	if err != nil {
		w.Fatal(err)
	}
	c.Made()
}

// rotation returns the stored progress.
func (w *sealTest) rotation(p process) (records.Reseal, bool) {
	w.Helper()
	r, ok, err := p.rotation(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return r, ok
}

// until makes steps until a phase begins, or until the rotation has ended if it is empty.
func (w *sealTest) until(p process, phase records.Phase) {
	w.Helper()
	for range 10_000 {
		r, ok := w.rotation(p)
		if ok && r.Phase == phase || !ok && phase == "" {
			return
		}
		if r.Phase == records.PhaseResting && phase != records.PhaseResting {
			w.now = r.Rest
		}
		if _, err := p.Step(w.Context()); err != nil {
			w.Fatal(err)
		}
	}
	w.Fatalf("the phase %s does not come", phase)
}

// versions returns how many values name each data key: records, and values that are sealed inside.
func (w *sealTest) versions() map[uint32]int {
	w.Helper()
	all := map[uint32]int{}
	p := w.open(w.backend)
	err := p.Store.View(w.Context(), func(v *store.View) error {
		items, err := v.Sealed("", 1_000_000)
		for _, item := range items {
			if string(item.Key) != records.KeyringPath {
				all[seal.VersionOf(item.Value)]++
			}
		}
		if err != nil {
			return err
		}
		keys, err := records.Keys.Scan(v, "", "", 100_000)
		for _, k := range keys {
			for _, m := range k.Value.AllMaterials() {
				if m.Present() {
					all[seal.VersionOf(m.Sealed)]++
				}
			}
		}
		ring, _, ringErr := records.TokenRings.Get(v, records.TokenRingPath)
		for _, k := range ring.Keys {
			all[seal.VersionOf(k.Sealed)]++
		}
		return errors.Join(err, ringErr)
	})
	if err != nil {
		w.Error(err)
	}
	return all
}

// sound checks that a new process opens every record, and that all keys have their material.
func (w *sealTest) sound(keys int) {
	w.Helper()
	p := w.open(w.backend)
	err := p.Store.View(w.Context(), func(v *store.View) error {
		items, err := v.Sealed("", 1_000_000)
		if err != nil {
			return err
		}
		for _, item := range items {
			if string(item.Key) == records.KeyringPath {
				continue
			}
			if _, err := v.Open(item); err != nil {
				return err
			}
		}
		for i := range keys {
			k, ok, err := records.WholeKeys.Get(v, records.PathOf(w.key(i)))
			if err != nil || !ok || len(k.Materials) != 2 || k.Pending == nil || k.Policy == "" {
				return fmt.Errorf("key %d: %v, %v", i, ok, err)
			}
			for n, m := range []key.Material{k.Materials[0], *k.Pending} {
				opened, err := p.Materials.Open(w.Context(), k, m)
				if err != nil || !bytes.Equal(opened, bytesOf(k, byte(n+1))) {
					return fmt.Errorf("material of key %d: %q, %v", i, opened, err)
				}
			}
		}
		ring, _, err := records.TokenRings.Get(v, records.TokenRingPath)
		for _, k := range ring.Keys {
			if _, err := material.OpenTokenKey(w.Context(), w.slots, p.Keyring.TokenKeys(), k); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		w.Error(err)
	}
}
