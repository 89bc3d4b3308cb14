package webidentity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The bounds of the keys of a provider that are kept.
const (
	maxKeys  = 50
	maxName  = 256 // bytes of a key ID
	leastRSA = 2048
	mostRSA  = 8192 // bits
)

// A providerKey is a public key that tokens are verified with.
type providerKey struct {
	id, algorithm string // "" for none
	public        crypto.PublicKey
}

// A keySet is a JSON Web Key Set (RFC 7517, section 5). Each key is read by itself,
// because a provider may have keys of kinds that are unknown here.
type keySet struct {
	Keys []jsontext.Value `json:"keys"`
}

// A webKey has the members of a JSON Web Key that matter for a public key of RSA or on
// a curve (RFC 7518, section 6).
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

// usable returns the keys that can sign tokens, as many as are kept.
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

// public returns the public key, nil if it cannot sign tokens. A symmetric key cannot,
// so that a public key of somebody is never taken for a secret. The library sees what
// was decoded strictly, and no more.
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
