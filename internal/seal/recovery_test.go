package seal

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/secrettest"
)

func newRecoveryKey(t *testing.T) (Root, []byte) {
	t.Helper()
	root, private, err := NewRecoveryKey()
	if err != nil || len(private) != 32 || !regexp.MustCompile(`^recovery:[0-9a-f]{16}$`).MatchString(root.ID()) {
		t.Fatal(err, len(private), root.ID())
	}
	return root, private
}

// A recovery key keeps the contract of a Root. Its public half, which every wrap has, is enough to wrap.
func TestRecoveryKey(t *testing.T) {
	made, private := newRecoveryKey(t)
	opened, err := OpenRecoveryKey(private)
	if err != nil || opened.ID() != made.ID() {
		t.Fatal(err)
	}
	other, _ := newRecoveryKey(t)
	secret := []byte("a root key of thirty-two bytes..")
	first, err := made.Wrap(t.Context(), secret, "context")
	if err != nil {
		t.Fatal(err)
	}
	public, err := RecoveryKeyOf(first)
	if err != nil || public.ID() != made.ID() || other.ID() == made.ID() {
		t.Fatal(err)
	}
	if _, err := public.Unwrap(t.Context(), first, "context"); !errors.Is(err, errNoShares) {
		t.Errorf("the public half opens: %v", err)
	}
	second, err := public.Wrap(t.Context(), secret, "context")
	if err != nil || bytes.Equal(second, first) {
		t.Fatal(err)
	}
	for _, wrapped := range [][]byte{first, second} {
		if got, err := opened.Unwrap(t.Context(), wrapped, "context"); !bytes.Equal(got, secret) || err != nil {
			t.Errorf("%x, %v", got, err)
		}
		if _, err := opened.Unwrap(t.Context(), wrapped, "Context"); !errors.Is(err, ErrOpen) {
			t.Errorf("in another context: %v", err)
		}
		if _, err := other.Unwrap(t.Context(), wrapped, "context"); !errors.Is(err, ErrOpen) {
			t.Errorf("by another key: %v", err)
		}
		for _, n := range []int{0, 1, 1249, 1250, len(wrapped) - 1} {
			if _, err := opened.Unwrap(t.Context(), wrapped[:n], "context"); !errors.Is(err, ErrOpen) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		for _, at := range []int{0, 1, 1200, 1249, 1250, 2000, 2400, len(wrapped) - 1} {
			damaged := bytes.Clone(wrapped)
			damaged[at] ^= 1
			if _, err := opened.Unwrap(t.Context(), damaged, "context"); !errors.Is(err, ErrOpen) {
				t.Errorf("damage at %d: %v", at, err)
			}
		}
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := OpenRecoveryKey(make([]byte, n)); err == nil {
			t.Errorf("a private half of %d bytes", n)
		}
	}
}

// The recovery key opens a keyring, and the opened keyring has its public half.
func TestKeyringWithARecoveryKey(t *testing.T) {
	root, now := NewEphemeralRoot(), time.Now()
	_, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	o, err := Open(t.Context(), root, kept)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := o.RecoveryKeys(); len(keys) != 0 || err != nil {
		t.Error(keys, err)
	}
	recovery, private := newRecoveryKey(t)
	if err := o.Add(t.Context(), recovery, now); err != nil {
		t.Fatal(err)
	}
	if kept, err = o.Encode(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenRecoveryKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if o, err = Open(t.Context(), again, kept); err != nil {
		t.Fatal(err)
	}
	if err := o.Remove(root.ID()); err != ErrLastCustody {
		t.Errorf("only a recovery key is left: %v", err)
	}
	if err := o.RotateRoot(t.Context(), now, root); err != nil || len(o.stored.Roots) != 1 {
		t.Errorf("the recovery key has not wrapped a new root key: %v", err)
	}
	if kept, err = o.Encode(); err != nil {
		t.Fatal(err)
	}
	if o, err = Open(t.Context(), again, kept); err != nil {
		t.Fatal(err)
	}
	keys, err := o.RecoveryKeys()
	if err != nil || len(keys) != 1 || keys[0].ID() != recovery.ID() {
		t.Fatal(keys, err)
	}
	o.stored.Roots[0].Wraps[slices.IndexFunc(o.stored.Roots[0].Wraps, func(w storedWrap) bool {
		return IsRecoveryKey(w.Custody)
	})].Custody += "0"
	if _, err := o.RecoveryKeys(); err == nil {
		t.Error("a wrap of another recovery key is accepted")
	}
}

// A keyring of format 1 has no recovery key.
func TestRecoveryKeysOfFormat1(t *testing.T) {
	if keys, err := (&Opened{stored: stored{Format: 1}}).RecoveryKeys(); keys != nil || err != nil {
		t.Error(keys, err)
	}
}

// Opening a recovery key leaves no copy of its private half, besides the key itself.
func TestPrivateHalfIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	var private []byte
	n := secrettest.Left(t, func(int) {
		root, p, err := NewRecoveryKey()
		if err != nil {
			t.Error(err)
		}
		private = p
		if _, err := root.Wrap(t.Context(), []byte("secret"), ""); err != nil {
			t.Error(err)
		}
	}, func(int) []byte { return private })
	if n > 2 { // one in the key, one that crypto/hpke makes for Bytes
		t.Errorf("%d copies of the private half remain", n)
	}
}

// Both forms of a wrap open with the private half, and with no other key, context or changed byte.
func TestFormsOfRecoveryWraps(t *testing.T) {
	root, _ := newRecoveryKey(t)
	other, _ := newRecoveryKey(t)
	made, secret := root.(recoveryKey), []byte("a root key of thirty-two bytes..")
	for form, wrap := range map[byte]func([]byte, string) ([]byte, error){
		recoveryForm: made.wrap, recoveryFormFIPS: made.wrapFIPS,
	} {
		message, err := wrap(secret, "context")
		if err != nil {
			t.Fatal(err)
		}
		wrapped := append(append([]byte{form}, made.public.Bytes()...), message...)
		if got, err := made.Unwrap(t.Context(), wrapped, "context"); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("form %d: %v", form, err)
		}
		if _, err := made.Unwrap(t.Context(), wrapped, "another"); !errors.Is(err, ErrOpen) {
			t.Errorf("form %d with another context: %v", form, err)
		}
		if _, err := other.Unwrap(t.Context(), wrapped, "context"); !errors.Is(err, ErrOpen) {
			t.Errorf("form %d by another key: %v", form, err)
		}
		if _, err := (recoveryKey{public: made.public}).Unwrap(t.Context(), wrapped, "context"); !errors.Is(err, errNoShares) {
			t.Errorf("form %d without shares: %v", form, err)
		}
		for at := 0; at < len(wrapped); at += 31 {
			damaged := bytes.Clone(wrapped)
			damaged[at] ^= 1
			if _, err := made.Unwrap(t.Context(), damaged, "context"); !errors.Is(err, ErrOpen) {
				t.Errorf("form %d with another byte %d: %v", form, at, err)
			}
		}
		for _, size := range []int{0, 1, recoveryPublicSize, 1 + recoveryPublicSize, 1 + recoveryPublicSize + recoveryEncapsulated, len(wrapped) - 1} {
			if _, err := made.Unwrap(t.Context(), wrapped[:size], "context"); !errors.Is(err, ErrOpen) {
				t.Errorf("form %d of %d bytes: %v", form, size, err)
			}
		}
		if by, err := RecoveryKeyOf(wrapped); err != nil || by.ID() != made.ID() {
			t.Errorf("form %d: %v", form, err)
		}
	}
}
