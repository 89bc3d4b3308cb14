package crypt

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"sync"
	"testing"
)

// expand agrees with HKDF of the standard library.
func TestExpandIsHKDF(t *testing.T) {
	material := NewSymmetricMaterial()
	k, err := NewSymmetricKey(material)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 300 {
				info, out := Random(i), make([]byte, 32*(1+i%4))
				k.expand(info, out)
				want, err := hkdf.Key(sha256.New, material, nil, string(info), len(out))
				if err != nil || !bytes.Equal(out, want) {
					t.Errorf("%d bytes of info, %d to make: %x, want %x (%v)", len(info), len(out), out, want, err)
				}
			}
		})
	}
	all.Wait()
	out := make([]byte, 64)
	k.expand(nil, out)
	k.Destroy()
	destroyed := make([]byte, 64)
	if k.expand(nil, destroyed); bytes.Equal(out, destroyed) {
		t.Error("a destroyed key works as before")
	}
}
