package byok

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
)

// An Algorithm is a way to wrap key material, by the name that the API gives it
// in WrappingAlgorithm.
type Algorithm string

// The algorithms of [Wrap], RSAES-OAEP of RFC 8017 (section 7.1). The hash is that
// of the label, which is empty, and of MGF1 alike.
const (
	RSAESOAEPSHA1   Algorithm = "RSAES_OAEP_SHA_1"
	RSAESOAEPSHA256 Algorithm = "RSAES_OAEP_SHA_256"
)

func (a Algorithm) newHash() (func() hash.Hash, error) {
	switch a {
	case RSAESOAEPSHA1:
		return sha1.New, nil
	case RSAESOAEPSHA256:
		return sha256.New, nil
	}
	return nil, fmt.Errorf("byok: unknown wrapping algorithm %q", string(a))
}

// Wrap encrypts key material under a wrapping public key. The result is the
// EncryptedKeyMaterial of ImportKeyMaterial, as long as the modulus of the key:
// 256, 384 or 512 bytes.
//
// The public key is the PublicKey of GetParametersForImport as the SDKs return
// it, DER SubjectPublicKeyInfo (RFC 5280), for an RSA key of 2048, 3072 or 4096
// bits; the algorithm is the one that was asked for there. Wrap leaves the material
// as it is and keeps no copy: the caller clears it once the import has succeeded.
// No error holds any of it.
func Wrap(publicKey []byte, a Algorithm, material []byte) ([]byte, error) {
	newHash, err := a.newHash()
	if err != nil {
		return nil, err
	}
	key, err := parsePublicKey(publicKey)
	if err != nil {
		return nil, err
	}
	h := newHash()
	limit := key.Size() - 2*h.Size() - 2 // RFC 8017, section 7.1.1, step 1b
	switch {
	case len(material) == 0:
		return nil, errors.New("byok: there is no key material to wrap")
	case len(material) > limit:
		return nil, fmt.Errorf("byok: key material of %d bytes is too long: %s under an RSA key of %d bits wraps at most %d", len(material), a, key.N.BitLen(), limit)
	}
	wrapped, err := rsa.EncryptOAEP(h, rand.Reader, key, material, nil)
	if err != nil {
		return nil, fmt.Errorf("byok: wrap the key material: %w", err)
	}
	return wrapped, nil
}

// minExponent is the smallest public exponent that FIPS 186-5 (section 5.1)
// allows, and the one that wrapping keys have.
const minExponent = 65537

// parsePublicKey accepts only what a wrapping key can be: material wrapped under
// a weak key is as good as published.
func parsePublicKey(der []byte) (*rsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("byok: the wrapping public key is not DER SubjectPublicKeyInfo: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("byok: the wrapping public key is not an RSA key")
	}
	switch bits := key.N.BitLen(); bits {
	case 2048, 3072, 4096:
	default:
		return nil, fmt.Errorf("byok: the wrapping public key has %d bits, not 2048, 3072 or 4096", bits)
	}
	if key.E < minExponent || key.E%2 == 0 {
		return nil, fmt.Errorf("byok: the wrapping public key has the exponent %d: it must be odd and at least %d", key.E, minExponent)
	}
	return key, nil
}
