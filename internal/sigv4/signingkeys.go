package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"io"
	"strings"
	"sync"

	"github.com/keyhold/keyhold/internal/bounded"
)

// maxSigningKeys is the maximum number of keys in the cache, which then takes about 200 KiB.
const maxSigningKeys = 1024

// A signingKeys caches signing keys by the arguments of their derivation, which include the
// secret. Therefore a signing key is never out of date, and a changed secret never gets the
// signing key of the old secret.
type signingKeys struct {
	cache *bounded.Cache[derivation, *signingKey]
}

func newSigningKeys() signingKeys {
	return signingKeys{bounded.New[derivation, *signingKey](maxSigningKeys, maxSigningKeys)} // each counts as one byte
}

func (c signingKeys) get(d derivation) *signingKey {
	if k, ok := c.cache.Get(d); ok {
		return k
	}
	k := newSigningKey(d.signingKey())
	// The date and Region are parts of a request header. A reference would keep the whole
	// header in memory.
	d.date, d.region = strings.Clone(d.date), strings.Clone(d.region)
	return c.cache.Add(d, k, 1)
}

// A signingKey verifies signatures. It keeps HMAC states, one for each concurrent verification.
type signingKey struct{ states sync.Pool }

func newSigningKey(key []byte) *signingKey {
	return &signingKey{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// verifies reports whether the signature is the HMAC of the message under this key.
func (k *signingKey) verifies(signature [sha256.Size]byte, message []byte) bool {
	h := k.states.Get().(hash.Hash)
	defer k.states.Put(h)
	h.Reset()
	h.Write(message)
	return subtle.ConstantTimeCompare(h.Sum(nil), signature[:]) == 1
}

// A derivation has the arguments from which a signing key is derived.
type derivation struct{ secret, date, region, service string }

// signingKey derives the signing key ("Derive a signing key" in the IAM User Guide).
func (d derivation) signingKey() []byte {
	k := []byte("AWS4" + d.secret)
	for _, part := range [...]string{d.date, d.region, d.service, terminator} {
		k = mac(k, part)
	}
	return k
}

func mac(k []byte, message string) []byte {
	h := hmac.New(sha256.New, k)
	io.WriteString(h, message)
	return h.Sum(nil)
}
