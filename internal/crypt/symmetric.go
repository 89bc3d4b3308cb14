package crypt

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"sync"
)

// A SymmetricKey is symmetric key material ready for use: the pseudorandom key of HKDF-SHA-256 (RFC 5869,
// section 2.2) without salt, from which the keys of messages are expanded. Its methods may be called
// concurrently.
type SymmetricKey struct {
	mu   sync.Mutex
	prk  []byte
	free []*expander
}

// An expander expands keys for one caller at a time. All of it was allocated inside Secretly.
type expander struct {
	mac     hash.Hash // HMAC-SHA-256 with the pseudorandom key
	counter [1]byte
	block   [sha256.Size]byte
}

// maxFree is the maximum number of expanders that a key keeps, more than run concurrently.
const maxFree = 64

// symmetricFamily is the family of 256-bit keys for AES-GCM.
func symmetricFamily(spec string) (family, bool) {
	return family{
		generate: func() ([]byte, error) { return NewSymmetricMaterial(), nil },
		open: func(material []byte) (Key, error) {
			if len(material) != SymmetricMaterialSize {
				return nil, fmt.Errorf("%d bytes, not %d", len(material), SymmetricMaterialSize)
			}
			return NewSymmetricKey(material)
		},
	}, spec == "SYMMETRIC_DEFAULT"
}

// NewSymmetricKey returns a SymmetricKey and keeps no copy of the material. Call it inside Secretly.
func NewSymmetricKey(material []byte) (*SymmetricKey, error) {
	prk, err := hkdf.Extract(sha256.New, material, nil)
	if err != nil {
		return nil, err
	}
	return &SymmetricKey{prk: prk}, nil
}

// Destroy clears the key. The key must not be in use. Memory that Destroy cannot reach is erased when it is
// garbage collected, if the build supports this (see Secretly).
func (k *SymmetricKey) Destroy() {
	clear(k.prk)
	k.free = nil
}

// Footprint estimates the memory of the key in bytes.
func (k *SymmetricKey) Footprint() int { return 1 << 10 }

// expand is HKDF-Expand (RFC 5869, section 2.3) to a multiple of 32 bytes. Unlike crypto/hkdf, it keeps HMAC
// states between calls, because each allocation in Secretly costs more than the whole computation.
func (k *SymmetricKey) expand(info, out []byte) {
	Secretly(func() {
		e := k.take()
		defer k.give(e)
		for n := 0; n < len(out); n += sha256.Size {
			e.mac.Reset()
			if e.counter[0]++; n > 0 {
				e.mac.Write(e.block[:])
			}
			e.mac.Write(info)
			e.mac.Write(e.counter[:])
			copy(out[n:], e.mac.Sum(e.block[:0]))
		}
	})
}

func (k *SymmetricKey) take() *expander {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := len(k.free) - 1
	if last < 0 {
		return &expander{mac: hmac.New(sha256.New, k.prk)}
	}
	e := k.free[last]
	k.free = k.free[:last]
	return e
}

func (k *SymmetricKey) give(e *expander) {
	e.counter[0] = 0
	clear(e.block[:])
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.free) < maxFree {
		k.free = append(k.free, e)
	}
}
