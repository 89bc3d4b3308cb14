package webidentity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The limits of the keys that are kept for a provider.
const (
	maxKeys  = 50
	maxName  = 256 // length of a key ID in bytes
	leastRSA = 2048
	mostRSA  = 8192 // in bits
)

// A providerKey is a public key of a provider.
type providerKey struct {
	id, algorithm string // "" if the key set does not give it
	public        crypto.PublicKey
}

// A keySet is a JSON Web Key Set (RFC 7517, section 5). Each key is decoded separately, because a provider may
// have keys of types that this package does not support.
type keySet struct {
	Keys []jsontext.Value `json:"keys"`
}

// A webKey has the members of a JSON Web Key for public RSA and EC keys (RFC 7518, section 6).
type webKey struct {
	Type      string `json:"kty"`
	Use       string `json:"use,omitzero"`
	Algorithm string `json:"alg,omitzero"`
	ID        string `json:"kid,omitzero"`
	Curve     string `json:"crv,omitzero"`
	X         string `json:"x,omitzero"`
	Y         string `json:"y,omitzero"`
	N         string `json:"n,omitzero"`
	E         string `json:"e,omitzero"`
}

// usable returns at most maxKeys keys that can sign tokens.
func (s keySet) usable() (all []providerKey) {
	for _, text := range s.Keys {
		var w webKey
		if len(all) == maxKeys || decode(text, &w) != nil {
			continue
		}
		if public := w.public(); public != nil {
			all = append(all, providerKey{w.ID, w.Algorithm, public})
		}
	}
	return all
}

// public returns the public key, or nil if it cannot sign tokens. Symmetric keys are excluded, so that a public
// key is never used as a shared secret. The library sees only members that were decoded strictly.
func (w webKey) public() crypto.PublicKey {
	if w.Use == "enc" || len(w.ID) > maxName || len(w.Algorithm) > maxName {
		return nil
	}
	text, err := json.Marshal(w)
	var k jose.JSONWebKey
	if err != nil || k.UnmarshalJSON(text) != nil || !k.Valid() {
		return nil
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits >= leastRSA && bits <= mostRSA {
			return public
		}
	case *ecdsa.PublicKey:
		return public
	}
	return nil
}
