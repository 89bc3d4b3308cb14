package custody

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/seal"
)

// write writes a secret to a new file that only its owner can read, and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A sample is two custodies of a kind with different secrets.
type sample struct {
	one, two Spec
	same     bool // they have the same ID
}

func samples(t *testing.T) map[string]sample {
	folder := t.TempDir()
	return map[string]sample{
		"key-file": {one: KeyFile(filepath.Join(folder, "one")), two: KeyFile(filepath.Join(folder, "two"))},
		"passphrase": {
			one:  Spec{"passphrase", write(t, "correct horse battery staple\n")},
			two:  Spec{"passphrase", write(t, "correct horse battery Staple\n")},
			same: true,
		},
		"awskms": awsSample(t),
		"pkcs11": pkcs11Sample(t),
		"tpm":    tpmSample(t),
	}
}

// Each kind of custody keeps the contract of seal.Root.
func TestCustodies(t *testing.T) {
	all := samples(t)
	for _, k := range kinds() {
		s, ok := all[k.name]
		if !ok {
			t.Errorf("%s: no test", k.name)
			continue
		}
		t.Run(k.name, func(t *testing.T) { testCustody(t, s) })
	}
}

func testCustody(t *testing.T, s sample) {
	made, err := s.one.Create(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.two.Create(nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := s.one.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if made.ID() != opened.ID() || (made.ID() == other.ID()) != s.same || !strings.HasPrefix(made.ID(), s.one.Kind) {
		t.Errorf("IDs %s, %s and %s", made.ID(), opened.ID(), other.ID())
	}
	secret := []byte("a root key of thirty-two bytes..")
	wrapped, err := made.Wrap(t.Context(), secret, "context")
	if err != nil {
		t.Fatal(err)
	}
	again, err := made.Wrap(t.Context(), secret, "context")
	if err != nil || bytes.Equal(again, wrapped) || bytes.Contains(wrapped, secret[:8]) {
		t.Errorf("wrapped again: %x, %v", again, err)
	}
	for _, by := range []seal.Root{made, opened} {
		if got, err := by.Unwrap(t.Context(), wrapped, "context"); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%x, %v", got, err)
		}
	}
	refuses := func(what string, by seal.Root, wrapped []byte, context string) {
		t.Helper()
		if got, err := by.Unwrap(t.Context(), wrapped, context); got != nil || !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %x, %v", what, got, err)
		}
	}
	refuses("another custody", other, wrapped, "context")
	for _, context := range []string{"", "Context", "context "} {
		refuses("context "+context, opened, wrapped, context)
	}
	for _, n := range []int{0, 1, 4, 5, 20, 21, len(wrapped) - 1} {
		refuses("a part", opened, wrapped[:n], "context")
	}
	refuses("a byte more", opened, append(bytes.Clone(wrapped), 0), "context")
	for _, at := range []int{0, len(wrapped) / 3, len(wrapped) / 2, len(wrapped) - 17, len(wrapped) - 1} {
		damaged := bytes.Clone(wrapped)
		damaged[at] ^= 0x80
		refuses("damage", opened, damaged, "context")
	}
	var wait sync.WaitGroup
	for range 4 { // for the race detector
		wait.Go(func() {
			w, err := opened.Wrap(t.Context(), secret, "context")
			if err == nil {
				_, err = opened.Unwrap(t.Context(), w, "context")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Spec{
		"key-file:/etc/keyhold/root.key": {"key-file", "/etc/keyhold/root.key"},
		"key-file:credential:root":       {"key-file", "credential:root"},
		"passphrase:prompt":              {"passphrase", "prompt"},
		"passphrase:fd:3":                {"passphrase", "fd:3"},
	} {
		if got, err := Parse(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "key-file", "key-file:", ":x", "Key-file:x", "keyfile:x", "/etc/root.key", "passphrase:"} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), "give key-file:PATH|credential:NAME|fd:NUMBER or passphrase:") {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if text := (Spec{"awskms", "x"}).Advice(); !strings.Contains(text, "never delete it") {
		t.Error(text)
	}
	if _, err := (Spec{"no", "x"}).Open(nil); err == nil {
		t.Error("opened a custody of no kind")
	}
	if _, err := (Spec{"no", "x"}).Create(nil); err == nil {
		t.Error("made a custody of no kind")
	}
}
