package seal

import (
	"bytes"
	"testing"
)

func TestRoot(t *testing.T) {
	root := NewEphemeralRoot()
	secret := []byte("a secret of 32 bytes, as keys are")
	wrapped, err := root.Wrap(t.Context(), secret, "context")
	if err != nil {
		t.Fatal(err)
	}
	unwrap := func(root Root, wrapped []byte, context string, want []byte) {
		t.Helper()
		got, err := root.Unwrap(t.Context(), wrapped, context)
		if want != nil && (err != nil || !bytes.Equal(got, want)) || want == nil && (got != nil || err != ErrOpen) {
			t.Errorf("%d bytes in %q: %q, %v", len(wrapped), context, got, err)
		}
	}
	unwrap(root, wrapped, "context", secret)
	unwrap(NewEphemeralRoot(), wrapped, "context", nil)
	for _, context := range []string{"", "Context", "context ", "contex"} {
		unwrap(root, wrapped, context, nil)
	}
	for bit := range 8 * len(wrapped) {
		damaged := bytes.Clone(wrapped)
		damaged[bit/8] ^= 1 << (bit % 8)
		unwrap(root, damaged, "context", nil)
	}
	for n := range wrapped {
		unwrap(root, wrapped[:n], "context", nil)
	}
	unwrap(root, append(bytes.Clone(wrapped), 0), "context", nil)
	again, err := root.Wrap(t.Context(), secret, "context")
	if err != nil || bytes.Equal(again, wrapped) || bytes.Contains(wrapped, secret[:8]) {
		t.Errorf("wrapped twice: %v", err)
	}
}

// A root key wraps only data keys. A wrapped value is not a sealed value of a data key with the same bytes.
func TestRootIsNoDataKey(t *testing.T) {
	k := bytes.Repeat([]byte{1}, 32)
	r := keyringOf(&dataKeys{newest: 1, keys: map[uint32][]byte{1: k}})
	wrapped, err := localRoot{key: k}.Wrap(t.Context(), []byte("secret"), "")
	if err != nil {
		t.Fatal(err)
	}
	wantClosed(t, "wrapped by the root", r.Records(), "", append([]byte{1, 0, 0, 0, 1}, wrapped...))
	if got, err := (localRoot{key: k}).Unwrap(t.Context(), mustSeal(t, r.Records(), "", "value")[5:], ""); got != nil || err != ErrOpen {
		t.Errorf("sealed by the data key: %q, %v", got, err)
	}
}

// Overwriting a root key would lose everything that was sealed with it.
