package material

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/secrettest"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A renewTest has slots, and two keyrings of one deployment, of which the newer one seals under data key 2.
type renewTest struct {
	slots        *watchedSlots
	older, newer *seal.Keyring
	key          key.Key
}

func newRenewTest(t *testing.T) *renewTest {
	t.Helper()
	root := seal.NewEphemeralRoot()
	older, kept, err := seal.NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	o, err := seal.Open(t.Context(), root, kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.AddDataKey(t.Context(), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	o.UseDataKeys()
	return &renewTest{
		slots: &watchedSlots{Slots: memory.NewSlots()}, older: older, newer: o.Keyring(),
		key: key.Key{ID: "k", Account: "a", Region: "r", Spec: key.SymmetricDefault},
	}
}

func (r *renewTest) sealer(by *seal.Keyring) Sealer { return NewSealer(r.slots, by.Materials()) }

// sealed returns material whose bytes are all b, sealed by a keyring.
func (r *renewTest) sealed(t *testing.T, by *seal.Keyring, id string, b byte) key.Material {
	t.Helper()
	m, err := r.sealer(by).Seal(t.Context(), r.key, id, bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	m.ValidTo = time.Unix(int64(b), 0)
	return m
}

// Material under older data keys is sealed again, and keeps its slot. All other material stays as it is.
func TestRenewKey(t *testing.T) {
	r := newRenewTest(t)
	k := r.key
	k.Materials = []key.Material{r.sealed(t, r.older, "1", 1), {ID: "deleted"}, r.sealed(t, r.newer, "3", 3)}
	pending := r.sealed(t, r.older, "4", 4)
	k.Pending = &pending
	before := k
	before.Materials = append([]key.Material(nil), k.Materials...)
	r.slots.given, r.slots.taken = nil, nil
	got, renewed, err := RenewKey(t.Context(), r.sealer(r.newer), k, 2)
	if err != nil || !renewed || !reflect.DeepEqual(k, before) || len(got.Materials) != 3 || got.Pending == nil {
		t.Fatalf("%+v, %v, %v", got, renewed, err)
	}
	if len(r.slots.taken) != 2 || len(r.slots.given) != 0 {
		t.Errorf("%d slots were read and %d written", len(r.slots.taken), len(r.slots.given))
	}
	r.slots.wantClear(t, "RenewKey", 2)
	for i, m := range append(got.Materials, *got.Pending) {
		was := append(before.Materials, pending)[i]
		if again := i == 0 || i == 3; again == bytes.Equal(m.Sealed, was.Sealed) || again && seal.VersionOf(m.Sealed) != 2 {
			t.Errorf("material %s: sealed again %v, under data key %d", m.ID, again, seal.VersionOf(m.Sealed))
		}
		if m.ID != was.ID || m.Slot != was.Slot || !m.ValidTo.Equal(was.ValidTo) || m.Present() != was.Present() {
			t.Errorf("%+v became %+v", was, m)
		}
		if !m.Present() {
			continue
		}
		if opened, err := r.sealer(r.newer).Open(t.Context(), k, m); err != nil || opened[0] != byte(i+1) {
			t.Errorf("material %s: %x, %v", m.ID, opened, err)
		}
	}
	for name, k := range map[string]key.Key{"all is new": got, "no material": r.key} {
		again, renewed, err := RenewKey(t.Context(), r.sealer(r.newer), k, 2)
		if renewed || err != nil || len(again.Materials) != len(k.Materials) || (again.Pending == nil) != (k.Pending == nil) {
			t.Errorf("%s: %+v, %v, %v", name, again, renewed, err)
		}
	}
	if _, renewed, err := RenewKey(t.Context(), r.sealer(r.newer), k, 1); renewed || err != nil {
		t.Errorf("before data key 1: %v, %v", renewed, err)
	}
}

// RenewKey fails with the first material that cannot be sealed again, and tries no other.
func TestRenewKeyFails(t *testing.T) {
	r := newRenewTest(t)
	k := r.key
	pending := r.sealed(t, r.older, "3", 3)
	k.Materials, k.Pending = []key.Material{r.sealed(t, r.older, "1", 1), r.sealed(t, r.older, "2", 2)}, &pending
	r.slots.taken = nil
	r.slots.fail = errBroken
	if _, _, err := RenewKey(t.Context(), r.sealer(r.newer), k, 2); !errors.Is(err, errBroken) || !strings.HasPrefix(err.Error(), "material 1 of arn:") || len(r.slots.taken) > 0 {
		t.Errorf("without a slot: %v, %d slots were read", err, len(r.slots.taken))
	}
	damaged := k
	damaged.Materials = append([]key.Material(nil), k.Materials...)
	damaged.Materials[1].Sealed = bytes.Clone(damaged.Materials[1].Sealed)
	damaged.Materials[1].Sealed[20] ^= 1
	if _, _, err := RenewKey(t.Context(), r.sealer(r.newer), damaged, 2); !errors.Is(err, seal.ErrOpen) || len(r.slots.taken) != 2 {
		t.Errorf("with damaged material: %v, %d slots were read", err, len(r.slots.taken))
	}
	r.slots.wantClear(t, "RenewKey", 2)
}

// Token keys under older data keys are sealed again, and keep their slots.
func TestRenewTokenKeys(t *testing.T) {
	r := newRenewTest(t)
	make := func(by *seal.Keyring, hour int64) records.TokenKey {
		k, err := sealTokenKey(t.Context(), by.TokenKeys(), r.slots, hour, bytes.Repeat([]byte{byte(hour)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ring := records.TokenRing{Keys: []records.TokenKey{make(r.older, 5), make(r.newer, 6), make(r.older, 7)}}
	before := records.TokenRing{Keys: append([]records.TokenKey(nil), ring.Keys...)}
	r.slots.given, r.slots.taken = nil, nil
	renew := func(ring records.TokenRing, before uint32) (records.TokenRing, bool, error) {
		return RenewTokenKeys(t.Context(), r.sealer(r.newer), r.newer.TokenKeys(), ring, before)
	}
	got, renewed, err := renew(ring, 2)
	if err != nil || !renewed || !reflect.DeepEqual(ring, before) || len(got.Keys) != 3 || len(r.slots.taken) != 2 {
		t.Fatalf("%+v, %v, %v", got, renewed, err)
	}
	r.slots.wantClear(t, "RenewTokenKeys", 2)
	for i, k := range got.Keys {
		was := before.Keys[i]
		if again := i != 1; again == bytes.Equal(k.Sealed, was.Sealed) || k.Slot != was.Slot || k.Hour != was.Hour || seal.VersionOf(k.Sealed) != 2 {
			t.Errorf("%+v became %+v", was, k)
		}
		if opened, err := OpenTokenKey(t.Context(), r.slots, r.newer.TokenKeys(), k); err != nil || opened[0] != byte(k.Hour) {
			t.Errorf("hour %d: %x, %v", k.Hour, opened, err)
		}
	}
	if again, renewed, err := renew(got, 2); renewed || err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("again: %+v, %v, %v", again, renewed, err)
	}
	r.slots.taken, r.slots.fail = nil, errBroken
	if again, renewed, err := renew(ring, 2); renewed || !errors.Is(err, errBroken) || !strings.HasPrefix(err.Error(), "the token key of hour 5: ") || !reflect.DeepEqual(again, ring) {
		t.Errorf("without a slot: %+v, %v, %v", again, renewed, err)
	}
	ring.Keys[2].Sealed[20] ^= 1
	if again, renewed, err := renew(ring, 2); renewed || !errors.Is(err, seal.ErrOpen) || !reflect.DeepEqual(again, ring) {
		t.Errorf("with a damaged key: %+v, %v, %v", again, renewed, err)
	}
	r.slots.wantClear(t, "RenewTokenKeys", 2)
}

// Material that is opened for a moment is cleared. The material has a size that no cipher takes, so package crypt keeps
// nothing.
func TestOpenedSecretsAreCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	const runs = 8
	v := newVaultTest(t)
	secret := bytes.Repeat([]byte("0123456789abcdef"), 3)
	m, err := v.Seal(t.Context(), v.key, "1", secret)
	if err != nil {
		t.Fatal(err)
	}
	k := v.key
	k.Materials = []key.Material{m}
	token, err := sealTokenKey(t.Context(), v.keys.sealer, v.slots, 5, secret)
	if err != nil {
		t.Fatal(err)
	}
	p := secrettest.Take(secret)
	fresh := NewSealer(memory.NewSlots(), v.Vault.seals)
	for name, use := range map[string]func() error{
		"With": func() error {
			err := With(t.Context(), v.Vault, k, m, func(any) error { return nil })
			if err == nil {
				return errors.New("a cipher was made of 48 bytes")
			}
			return nil
		},
		"ResealKey": func() error { _, err := ResealKey(t.Context(), v.Sealer, fresh, k); return err },
		"RenewKey":  func() error { _, _, err := RenewKey(t.Context(), v.Sealer, k, 9); return err },
		"ResealTokenKey": func() error {
			_, err := ResealTokenKey(t.Context(), v.keys.sealer, v.slots, memory.NewSlots(), token)
			return err
		},
		"RenewTokenKeys": func() error {
			_, _, err := RenewTokenKeys(t.Context(), v.Sealer, v.keys.sealer, records.TokenRing{Keys: []records.TokenKey{token}}, 9)
			return err
		},
	} {
		before := secrettest.Copies(t, p)
		for range runs {
			secrettest.Alone(func() {
				if err := use(); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		if after := secrettest.Copies(t, p); after >= before+runs {
			t.Errorf("%s: %d copies after %d runs, and %d before", name, after, runs, before)
		}
	}
}

// fencedSlots refuse transactions that name slots.
type fencedSlots struct{}

func (fencedSlots) Fence() int64                     { return 1 }
func (fencedSlots) HoldSlots(*store.Tx, int64) error { return errBroken }

// A token key whose slot may be erased does not come into the ring, and its slot is erased.
func TestTokenKeysHoldTheFence(t *testing.T) {
	v := newVaultTest(t)
	keys := NewTokenKeys(v.Vault, v.keys.sealer, fencedSlots{})
	if k, err := keys.ForSealing(t.Context(), 5); !errors.Is(err, errBroken) || k != nil {
		t.Errorf("%x, %v", k, err)
	}
	if ring, err := v.keys.ring(t.Context()); err != nil || len(ring.Keys) > 0 || len(v.slots.erased) != 1 {
		t.Errorf("%+v, %v, erased %q", ring, err, v.slots.erased)
	}
}

// A ring that is damaged is an error of each method, and is not replaced.
func TestTokenKeysOfADamagedRing(t *testing.T) {
	v := newVaultTest(t)
	if _, err := v.keys.ForSealing(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	path := []byte(records.TokenRings.Prefix + "/" + records.TokenRingPath)
	if _, err := v.backend.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: path, Value: []byte("damaged")}}}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(k *TokenKeys, ctx context.Context) error{
		"ForSealing": func(k *TokenKeys, ctx context.Context) error { _, err := k.ForSealing(ctx, 5); return err },
		"ForOpening": func(k *TokenKeys, ctx context.Context) error { _, err := k.ForOpening(ctx, 5); return err },
		"DestroyOld": func(k *TokenKeys, ctx context.Context) error { return k.DestroyOld(ctx, 5) },
	} {
		fresh := NewTokenKeys(v.Vault, v.keys.sealer, v.keys.fences) // remembers nothing
		if _, corrupt := errors.AsType[*store.CorruptError](call(fresh, t.Context())); !corrupt {
			t.Errorf("%s takes a damaged ring", name)
		}
	}
}

// The list of slots pauses after each page, and stops at the end of its context.
func TestListPauses(t *testing.T) {
	r := newReclaimTest(t)
	for range 2*slotsPage + 1 {
		r.put()
	}
	var pauses []time.Duration
	r.sleeping = func(d time.Duration) { pauses = append(pauses, d) }
	n := 0
	last, err := r.list(t.Context(), "", func(string) bool { n++; return true })
	if err != nil || last != "" || n != 2*slotsPage+1 || len(pauses) != 2 || pauses[0] != pagePause {
		t.Errorf("%q, %v, %d slots, pauses %v", last, err, n, pauses)
	}
	stopped, stop := context.WithCancel(t.Context())
	r.sleeping = func(time.Duration) { stop() }
	n = 0
	if last, err := r.list(stopped, "", func(string) bool { n++; return true }); !errors.Is(err, context.Canceled) || last != "" || n != slotsPage-1 {
		t.Errorf("stopped: %q, %v, %d slots", last, err, n)
	}
}
