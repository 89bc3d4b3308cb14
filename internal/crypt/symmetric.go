package crypt

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"sync"
)

// A SymmetricKey is symmetric key material made ready: the pseudorandom key of
// HKDF-SHA-256 (RFC 5869, section 2.2) without salt, from which the keys of all
// messages are expanded. It may be used by many at once.
type SymmetricKey struct {
	mu   sync.Mutex
	prk  []byte
	free []*expander
}

// An expander expands for one user at a time. It was made in Secretly, with all
// that it consists of.
type expander struct {
	mac     hash.Hash // HMAC-SHA-256 under the pseudorandom key
	counter [1]byte
	block   [sha256.Size]byte
}

// maxFree is how many expanders a key keeps: more than run at once.
const maxFree = 64

// symmetricFamily is of 256-bit keys for messages in Galois/Counter Mode.
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

// NewSymmetricKey makes key material ready, of which it keeps no copy. It is to
// be called in Secretly.
func NewSymmetricKey(material []byte) (*SymmetricKey, error) {
	prk, err := hkdf.Extract(sha256.New, material, nil)
	if err != nil {
		return nil, err
	}
	return &SymmetricKey{prk: prk}, nil
}

// Destroy clears the key, which nobody uses any more. What lies deeper is erased
// when it is collected, if the build has Secretly do that.
func (k *SymmetricKey) Destroy() {
	clear(k.prk)
	k.free = nil
}

// Footprint returns about how many bytes of memory the key takes.
func (k *SymmetricKey) Footprint() int { return 1 << 10 }

// expand is HKDF-Expand (RFC 5869, section 2.3) to a multiple of 32 bytes. It
// keeps HMAC states between calls, which crypto/hkdf does not, as in Secretly
// each allocation costs more than all of the computing.
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
