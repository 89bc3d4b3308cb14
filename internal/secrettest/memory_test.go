package secrettest

import (
	"bytes"
	"crypto/rand"
	"testing"
)

// Copies counts what exists, and nothing of the search itself.
func TestCopies(t *testing.T) {
	KeepGarbage(t)
	secret := make([]byte, 32)
	rand.Read(secret)
	p := Of(secret)
	other := bytes.Clone(secret)
	for _, want := range []int{2, 2} {
		if got := Copies(t, p); got != want {
			t.Errorf("%d copies, want %d", got, want)
		}
	}
	clear(other)
	if got := Copies(t, p); got != 1 {
		t.Errorf("%d copies, want 1", got)
	}
	clear(secret)
	if got := Copies(t, p); got != 0 {
		t.Errorf("%d copies, want 0", got)
	}
}
