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

// maxSigningKeys bounds the cache: about 200 KiB.
const maxSigningKeys = 1024

// A signingKeys keeps derived signing keys. Derivation is a pure function, and its
// arguments, the secret among them, are the key of the cache. So a signing key is never out
// of date, and a changed secret never gets the signing key of the old one.
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
	// The date and Region are parts of a request header, which a reference would
	// keep in memory as a whole.
	d.date, d.region = strings.Clone(d.date), strings.Clone(d.region)
	return c.cache.Add(d, k, 1)
}

// A signingKey verifies signatures. It keeps HMAC states, one for each concurrent verification.
type signingKey struct{ states sync.Pool }

func newSigningKey(key []byte) *signingKey {
	return &signingKey{sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// verifies reports whether the signature was made of the message under this key.
func (k *signingKey) verifies(signature [sha256.Size]byte, message []byte) bool {
	h := k.states.Get().(hash.Hash)
	defer k.states.Put(h)
	h.Reset()
	h.Write(message)
	return subtle.ConstantTimeCompare(h.Sum(nil), signature[:]) == 1
}

// A derivation is what a signing key is derived from.
type derivation struct{ secret, date, region, service string }

// signingKey runs the derivation ("Derive a signing key" in the IAM User Guide).
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
