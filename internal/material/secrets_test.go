package material

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// watchedSlots keep the buffers that their callers give to Put and get from Get.
type watchedSlots struct {
	store.Slots
	fail     error // of the next call
	given    [][]byte
	taken    [][]byte
	erased   []string
	deadline bool // whether an erasure could be cancelled
}

func (w *watchedSlots) failure() (err error) { err, w.fail = w.fail, nil; return err }

func (w *watchedSlots) Put(ctx context.Context, secret []byte) (string, error) {
	w.given = append(w.given, secret)
	if err := w.failure(); err != nil {
		return "", err
	}
	return w.Slots.Put(ctx, bytes.Clone(secret))
}

func (w *watchedSlots) Get(ctx context.Context, slot string) ([]byte, error) {
	if err := w.failure(); err != nil {
		return nil, err
	}
	secret, err := w.Slots.Get(ctx, slot)
	secret = bytes.Clone(secret)
	w.taken = append(w.taken, secret)
	return secret, err
}

func (w *watchedSlots) Erase(ctx context.Context, slots ...string) error {
	w.deadline = w.deadline || ctx.Done() != nil
	if err := w.failure(); err != nil {
		return err
	}
	w.erased = append(w.erased, slots...)
	return w.Slots.Erase(ctx, slots...)
}

// wantClear checks that at least n buffers were used since the last call, and that all are zero.
func (w *watchedSlots) wantClear(t *testing.T, what string, n int) {
	t.Helper()
	all := append(w.given, w.taken...)
	if len(all) < n {
		t.Errorf("%s: %d secrets were used, want %d", what, len(all), n)
	}
	for _, secret := range all {
		if !bytes.Equal(secret, make([]byte, len(secret))) {
			t.Errorf("%s: the secret of a slot stays in memory", what)
		}
	}
	w.given, w.taken = nil, nil
}

// A vaultTest is a Vault whose slots and store a test watches.
type vaultTest struct {
	*Vault
	slots   *watchedSlots
	backend *failingBackend
	keys    *TokenKeys
	key     key.Key
	cleaned int // number of removals that the Vault asked for
}

func newVaultTest(t *testing.T) *vaultTest {
	t.Helper()
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	v := &vaultTest{slots: &watchedSlots{Slots: memory.NewSlots()}, backend: &failingBackend{Backend: memory.New()}}
	s := store.New(v.backend, keyring.Records())
	v.Vault = NewVault(NewSealer(v.slots, keyring.Materials()), s, func(removal func(*store.Tx) error) {
		if v.cleaned++; s.Update(context.Background(), removal) != nil {
			t.Error("a record that is no longer needed stays")
		}
	})
	v.keys = NewTokenKeys(v.Vault, keyring.TokenKeys(), storetest.Unfenced{})
	v.key = key.Key{ID: "k", Account: "a", Region: "r", Spec: key.SymmetricDefault}
	return v
}

// A failingBackend cannot be read while err is set, and commits nothing while full is set.
type failingBackend struct {
	store.Backend
	err, full error
}

func (b *failingBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	if b.err != nil {
		return b.err
	}
	return b.Backend.View(ctx, fn)
}

func (b *failingBackend) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	if b.full != nil {
		return 0, b.full
	}
	return b.Backend.Commit(ctx, batch)
}

var errBroken = errors.New("broken")

// The secrets of slots are cleared after each use, also after a failure.
func TestSecretsOfSlotsAreCleared(t *testing.T) {
	v, ctx := newVaultTest(t), t.Context()
	m, err := v.Seal(ctx, v.key, "m", make([]byte, 32))
	if err != nil || m.ID != "m" || m.Slot == "" {
		t.Fatal(m, err)
	}
	v.slots.wantClear(t, "Seal", 1)
	v.slots.fail = errBroken
	if m, err := v.Seal(ctx, v.key, "m", make([]byte, 32)); !errors.Is(err, errBroken) || m.Slot != "" {
		t.Errorf("Seal without a slot: %+v, %v", m, err)
	}
	v.slots.wantClear(t, "Seal without a slot", 1)
	if b, err := v.Open(ctx, v.key, m); err != nil || !bytes.Equal(b, make([]byte, 32)) {
		t.Errorf("Open: %v, %v", b, err)
	}
	v.slots.wantClear(t, "Open", 1)
	other := m
	other.ID = "n"
	if b, err := v.Open(ctx, v.key, other); err == nil || b != nil || !strings.HasPrefix(err.Error(), "material n of arn:aws:kms:r:a:key/k: the sealed value does not open") {
		t.Errorf("Open of other material: %v, %v", b, err)
	}
	v.slots.wantClear(t, "Open of other material", 1)
	v.slots.fail = errBroken
	if b, err := v.Open(ctx, v.key, m); err == nil || b != nil || err.Error() != "material m of arn:aws:kms:r:a:key/k: broken" {
		t.Errorf("Open without a slot: %v, %v", b, err)
	}
	if _, err := v.keys.ForSealing(ctx, 5); err != nil {
		t.Fatal(err)
	}
	v.slots.wantClear(t, "ForSealing", 2)
}

// Key material is opened once, for the operations that its spec has. What fails to open is not kept.
func TestMaterialIsOpenedOnce(t *testing.T) {
	v, ctx := newVaultTest(t), t.Context()
	m, err := v.Seal(ctx, v.key, "m", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	v.slots.fail = errBroken
	use := func(k *crypt.SymmetricKey) error { return works(k) }
	if err := With(ctx, v.Vault, v.key, m, use); !errors.Is(err, errBroken) || len(v.opened.materials) != 0 {
		t.Errorf("without the slot: %v, %d are kept", err, len(v.opened.materials))
	}
	for range 2 {
		if err := With(ctx, v.Vault, v.key, m, use); err != nil {
			t.Fatal(err)
		}
	}
	if len(v.slots.taken) != 1 {
		t.Errorf("the slot was read %d times", len(v.slots.taken))
	}
	if err := With(ctx, v.Vault, v.key, m, func(interface{ Sign() }) error { return nil }); err == nil {
		t.Error("a symmetric key signs")
	}
	v.Close()
	if len(v.opened.materials) != 0 {
		t.Error("Close leaves opened material")
	}
}

// The functions of token keys return the errors of the store and of the slots, and try again after a failure.
func TestTokenKeysThatCannotBeRead(t *testing.T) {
	v, ctx := newVaultTest(t), t.Context()
	const hour = 1000
	both := func(what string, want error) {
		t.Helper()
		for name, get := range map[string]func(context.Context, int64) ([]byte, error){"ForSealing": v.keys.ForSealing, "ForOpening": v.keys.ForOpening} {
			if k, err := get(ctx, hour); !errors.Is(err, want) || k != nil {
				t.Errorf("%s, %s: %v, %v", what, name, k, err)
			}
		}
	}
	if k, err := v.keys.ForOpening(ctx, hour); k != nil || err != nil {
		t.Errorf("a key of an hour without one: %v, %v", k, err)
	}
	v.backend.err = errBroken
	both("no reads", errBroken)
	if err := v.keys.DestroyOld(ctx, hour); !errors.Is(err, errBroken) {
		t.Errorf("DestroyOld without reads: %v", err)
	}
	if err := v.FinishErasures(ctx); !errors.Is(err, errBroken) {
		t.Errorf("FinishErasures without reads: %v", err)
	}
	v.backend.err, v.slots.fail = nil, errBroken
	if k, err := v.keys.ForSealing(ctx, hour); !errors.Is(err, errBroken) || k != nil {
		t.Errorf("without a slot: %v, %v", k, err)
	}
	v.backend.full = errBroken
	if k, err := v.keys.ForSealing(ctx, hour); !errors.Is(err, errBroken) || k != nil {
		t.Errorf("without commits: %v, %v", k, err)
	}
	v.backend.full = nil
	k, err := v.keys.ForSealing(ctx, hour)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := v.keys.ForOpening(ctx, hour); err != nil || !bytes.Equal(got, k) {
			t.Errorf("%v, %v", got, err)
		}
	}
	another := NewTokenKeys(v.Vault, v.keys.sealer, storetest.Unfenced{})
	v.slots.fail = errBroken
	if got, err := another.ForOpening(ctx, hour); !errors.Is(err, errBroken) || got != nil {
		t.Errorf("without the slot: %v, %v", got, err)
	}
	if got, err := another.ForOpening(ctx, hour); err != nil || !bytes.Equal(got, k) {
		t.Errorf("again: %v, %v", got, err)
	}
}

// An opened token key is cleared when it is no longer needed, and not an hour before.
func TestOpenedTokenKeysAreCleared(t *testing.T) {
	v, ctx := newVaultTest(t), t.Context()
	const hour = 1000
	for h := range int64(2) {
		if _, err := v.keys.ForSealing(ctx, hour+h); err != nil {
			t.Fatal(err)
		}
	}
	old, newer := v.keys.opened[hour], v.keys.opened[hour+1]
	if err := v.keys.DestroyOld(ctx, hour+25); err != nil || bytes.Equal(old, make([]byte, len(old))) || len(v.slots.erased) != 0 {
		t.Errorf("the key of an hour is destroyed 25 hours later: %v", err)
	}
	v.backend.full = errBroken
	if err := v.keys.DestroyOld(ctx, hour+26); !errors.Is(err, errBroken) || len(v.slots.erased) != 0 {
		t.Errorf("without commits: %v, erased %v", err, v.slots.erased)
	}
	v.backend.full = nil
	if err := v.keys.DestroyOld(ctx, hour+26); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, make([]byte, len(old))) || bytes.Equal(newer, make([]byte, len(newer))) || len(v.keys.opened) != 1 || len(v.slots.erased) != 1 {
		t.Errorf("opened keys %v, erased %v", v.keys.opened, v.slots.erased)
	}
	if n := v.unerased.Load(); n != 0 {
		t.Errorf("%d erasures are left after all were made", n)
	}
	if !v.TakeErased() || v.TakeErased() || v.cleaned != 1 {
		t.Errorf("the erasure is noted wrongly, or %d notes were removed", v.cleaned)
	}
}

// A node that cannot read the ring clears the opened keys that are no longer needed, and no others.
func TestOldTokenKeysAreClearedWithoutTheStore(t *testing.T) {
	v, ctx := newVaultTest(t), t.Context()
	const hour = 1000
	for h := range int64(2) {
		if _, err := v.keys.ForSealing(ctx, hour+h); err != nil {
			t.Fatal(err)
		}
	}
	old, newer := v.keys.opened[hour], v.keys.opened[hour+1]
	v.backend.err = errBroken
	if err := v.keys.DestroyOld(ctx, hour+26); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if !bytes.Equal(old, make([]byte, len(old))) || bytes.Equal(newer, make([]byte, len(newer))) || len(v.keys.opened) != 1 {
		t.Errorf("opened keys %v", v.keys.opened)
	}
}

// Of two keys that two processes make in one hour, the first stays and the second is left for erasure. A commit that
// is made twice adds its key once.
func TestTwoTokenKeysInOneHour(t *testing.T) {
	v, ctx := newVaultTest(t), t.Context()
	const hour = 1000
	one, err := v.keys.make(ctx, hour)
	if err != nil {
		t.Fatal(err)
	}
	two, err := v.keys.make(ctx, hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []records.TokenKey{one, one, two, two} {
		if err := v.store.Update(ctx, func(tx *store.Tx) error { return addTokenKey(tx, k) }); err != nil {
			t.Fatal(err)
		}
	}
	ring, err := v.keys.ring(ctx)
	if err != nil || len(ring.Keys) != 1 || ring.Keys[0].Slot != one.Slot || ring.Keys[0].Hour != hour {
		t.Errorf("the ring is %+v, %v", ring, err)
	}
	v.NoteUnerased()
	if err := v.SweepErasures(ctx, time.Now()); err != nil || len(v.slots.erased) != 1 || v.slots.erased[0] != two.Slot {
		t.Errorf("erased %v, %v", v.slots.erased, err)
	}
}

// Erasures that fail on a full disk are repeated until they are complete. Other failures are not repeated, because
// they stop the program. The end of a request does not end an erasure.
func TestErasuresAreRepeated(t *testing.T) {
	v := newVaultTest(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	var slots []string
	for range 4 {
		slot, err := v.slots.Put(ctx, randomSecret())
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, slot)
	}
	note := func(all ...string) {
		t.Helper()
		if err := v.store.Update(ctx, func(tx *store.Tx) error { return records.NoteErasures(tx, all) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.Erase(ctx, nil); err != nil || v.TakeErased() || len(v.slots.erased) != 0 {
		t.Errorf("an erasure of nothing: %v", err)
	}
	note(slots[0], slots[1])
	v.slots.fail = errBroken
	if err := v.Erase(ctx, slots[:2]); !errors.Is(err, errBroken) || err.Error() != "erase: broken" || v.unerased.Load() != 0 || v.TakeErased() {
		t.Errorf("a broken erasure: %v, %d unerased", err, v.unerased.Load())
	}
	v.slots.fail = space.Full(nil)
	if err := v.Erase(ctx, slots[:2]); !errors.Is(err, space.ErrFull) || v.unerased.Load() != 1 || v.TakeErased() || v.cleaned != 0 {
		t.Errorf("on a full disk: %v, %d unerased", err, v.unerased.Load())
	}
	note(slots[2])
	v.slots.fail = space.Full(nil)
	if err := v.Erase(ctx, slots[2:3]); !errors.Is(err, space.ErrFull) || v.unerased.Load() == 0 {
		t.Errorf("still full: %v, %d unerased", err, v.unerased.Load())
	}
	if err := v.SweepErasures(ctx, time.Now()); err != nil || len(v.slots.erased) != 3 || v.unerased.Load() != 0 || !v.TakeErased() || v.cleaned != 2 {
		t.Errorf("with space again: %v, erased %v, %d unerased, %d removed", err, v.slots.erased, v.unerased.Load(), v.cleaned)
	}
	if err := v.SweepErasures(ctx, time.Now()); err != nil || len(v.slots.erased) != 3 {
		t.Errorf("nothing is left: %v, erased %v", err, v.slots.erased)
	}
	if err := v.Discard(ctx, slots[3]); err != nil || len(v.slots.erased) != 4 {
		t.Errorf("Discard: %v, erased %v", err, v.slots.erased)
	}
	if v.slots.deadline {
		t.Error("an erasure can be cancelled")
	}
}

// The number of an hour is the number of whole hours since 1970.
func TestHours(t *testing.T) {
	for second, want := range map[int64]int64{0: 0, 3599: 0, 3600: 1, 7199: 1, 7200: 2} {
		if got := HourOf(time.Unix(second, 0)); got != want {
			t.Errorf("%d s is hour %d", second, got)
		}
	}
}
