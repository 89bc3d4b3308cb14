package webidentity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// algorithms lists the accepted algorithms (RFC 7518, section 3.1). They are all signatures: neither "none" nor
// MACs with a shared secret are accepted.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512,
}

// The reasons to reject a token, for the operator's log. They contain nothing of the token.
var (
	errMalformed = errors.New("it is not a well-formed signed token")
	errAlgorithm = errors.New("its algorithm is not accepted")
	errKey       = errors.New("the provider has no such key")
	errSignature = errors.New("the provider did not sign it")
	errIssuer    = errors.New("another issuer made it")
	errEarly     = errors.New("it is not valid yet")
	errLate      = errors.New("it has expired")
	errAudience  = errors.New("it is for another audience")
	errSubject   = errors.New("it has no subject, or its subject is too long")
)

// allowed reports whether the header names an accepted algorithm.
func (h header) allowed() bool {
	return slices.Contains(algorithms, jose.SignatureAlgorithm(h.Algorithm))
}

// checkSignature verifies the signature of a token with the keys. It also checks that the library has read the
// same header and payload as parse.
func (t parsedToken) checkSignature(ctx context.Context, keys *keyring) error {
	jws, err := jose.ParseSignedCompact(t.text, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return errMalformed
	}
	if h := jws.Signatures[0].Header; h.Algorithm != t.header.Algorithm || h.KeyID != t.header.KeyID {
		return errMalformed
	}
	candidates, err := keys.get(ctx, t.header.KeyID)
	switch {
	case err != nil:
		return &unreachable{err}
	case len(candidates) == 0:
		return errKey
	}
	for _, k := range candidates {
		if !k.fits(t.header.Algorithm) {
			continue
		}
		if payload, err := jws.Verify(k.public); err == nil && bytes.Equal(payload, t.payload) {
			return nil
		}
	}
	return errSignature
}

// fits reports whether a key can be used with an algorithm (RFC 7518, sections 3.3 to 3.5, and RFC 7517,
// section 4.4).
func (k providerKey) fits(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return algorithm[0] == 'R' || algorithm[0] == 'P'
	case *ecdsa.PublicKey:
		return algorithm == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[public.Curve.Params().BitSize]
	}
	return false
}

// unreachable means that a provider could not be asked.
type unreachable struct{ error }

func (u *unreachable) Unwrap() error { return u.error }
