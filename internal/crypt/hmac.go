package crypt

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"sync"
)

// maxHMACSize is the maximum size of imported material for an HMAC key, in bytes. Source: "Requirements for
// imported key material" in the developer guide.
const maxHMACSize = 128

// hmacHash returns the hash function of an HMAC spec. Generated material and MACs have the size of the hash.
// Imported material may be longer.
func hmacHash(spec string) (func() hash.Hash, bool) {
	switch spec {
	case "HMAC_224":
		return sha256.New224, true
	case "HMAC_256":
		return sha256.New, true
	case "HMAC_384":
		return sha512.New384, true
	case "HMAC_512":
		return sha512.New, true
	}
	return nil, false
}

func hmacFamily(spec string) (family, bool) {
	newHash, ok := hmacHash(spec)
	if !ok {
		return family{}, false
	}
	size := newHash().Size()
	return family{
		generate: func() ([]byte, error) { return Random(size), nil },
		open: func(material []byte) (Key, error) {
			if len(material) < size || len(material) > maxHMACSize {
				return nil, fmt.Errorf("%d bytes, not %d to %d", len(material), size, maxHMACSize)
			}
			return newHMACKey(newHash, material), nil
		},
	}, true
}

// An HMACKey computes message authentication codes (RFC 2104, FIPS 198-1). Like SymmetricKey, it keeps states
// between calls, because each allocation in Secretly costs more than the computation.
type HMACKey struct {
	newHash  func() hash.Hash
	mu       sync.Mutex
	material []byte
	free     []hash.Hash
}

func newHMACKey(newHash func() hash.Hash, material []byte) *HMACKey {
	return &HMACKey{newHash: newHash, material: append([]byte(nil), material...)}
}

// Destroy clears the key.
func (k *HMACKey) Destroy() {
	clear(k.material)
	k.free = nil
}

// Footprint estimates the memory of the key in bytes.
func (k *HMACKey) Footprint() int { return 1 << 10 }

// MAC returns the code of a message, computed with the hash function of the spec.
func (k *HMACKey) MAC(message []byte) []byte {
	var code [sha512.Size]byte
	var size int
	Secretly(func() {
		state := k.take()
		defer k.give(state)
		state.Write(message)
		size = len(state.Sum(code[:0]))
	})
	return append([]byte(nil), code[:size]...)
}

func (k *HMACKey) take() hash.Hash {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := len(k.free) - 1
	if last < 0 {
		return hmac.New(k.newHash, k.material)
	}
	state := k.free[last]
	k.free = k.free[:last]
	return state
}

func (k *HMACKey) give(state hash.Hash) {
	state.Reset()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.free) < maxFree {
		k.free = append(k.free, state)
	}
}

// EqualMAC reports whether two codes are equal, in constant time.
func EqualMAC(a, b []byte) bool { return hmac.Equal(a, b) }
