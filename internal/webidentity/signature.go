package webidentity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// algorithms are those that a token may be signed with (RFC 7518, section 3.1):
// signatures alone, so neither "none" nor a code under a shared secret.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512,
}

// What can be wrong with a token, for the operator's log: nothing of the token is in
// it.
var (
	errMalformed = errors.New("it is no signed token")
	errAlgorithm = errors.New("its algorithm is none that is taken")
	errKey       = errors.New("the provider has no such key")
	errSignature = errors.New("its signature is not the provider's")
	errIssuer    = errors.New("another issuer made it")
	errEarly     = errors.New("it is not valid yet")
	errLate      = errors.New("it has expired")
	errAudience  = errors.New("it is for another audience")
	errSubject   = errors.New("it has no subject")
)

// A check verifies the signature of one token, and remembers what was wrong. It is the
// KeySet of package oidc.
type check struct {
	keys *keyring
	err  error
}

// VerifySignature returns the claims of a token that one of the keys has signed.
func (c *check) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := c.verify(ctx, token)
	c.err = err
	return payload, err
}

func (c *check) verify(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errMalformed
	}
	header := jws.Signatures[0].Header
	keys, err := c.keys.get(ctx, header.KeyID)
	switch {
	case err != nil:
		return nil, &unreachable{err}
	case len(keys) == 0:
		return nil, errKey
	}
	for _, k := range keys {
		if !fits(header.Algorithm, k) {
			continue
		}
		if payload, err := jws.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}

// fits reports whether a key is one for an algorithm (RFC 7518, sections 3.3 to 3.5,
// and RFC 7517, section 4.4).
func fits(algorithm string, k jose.JSONWebKey) bool {
	if k.Algorithm != "" && k.Algorithm != algorithm {
		return false
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		return algorithm[0] == 'R' || algorithm[0] == 'P'
	case *ecdsa.PublicKey:
		return algorithm == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[public.Curve.Params().BitSize]
	}
	return false
}

// unreachable says that a provider could not be asked.
type unreachable struct{ error }

func (u *unreachable) Unwrap() error { return u.error }
