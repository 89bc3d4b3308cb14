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

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// An Algorithm is an algorithm that wraps key material, named as in the API
// in WrappingAlgorithm.
type Algorithm string

// The algorithms of [Wrap]. RSAES-OAEP is defined in RFC 8017 (section 7.1). The hash is
// used for the label, which is empty, and for MGF1. RSA_AES_KEY_WRAP uses it to wrap
// a new AES-256 key, under which the material is wrapped with AES
// key wrap with padding (RFC 5649): private keys are too long for RSAES-OAEP alone.
const (
	RSAESOAEPSHA1       Algorithm = "RSAES_OAEP_SHA_1"
	RSAESOAEPSHA256     Algorithm = "RSAES_OAEP_SHA_256"
	RSAAESKeyWrapSHA1   Algorithm = "RSA_AES_KEY_WRAP_SHA_1"
	RSAAESKeyWrapSHA256 Algorithm = "RSA_AES_KEY_WRAP_SHA_256"
)

// AlgorithmFor returns the algorithm that always works for material of a key spec,
// under each wrapping key: RSA_AES_KEY_WRAP_SHA_256 for private keys and
// RSAES_OAEP_SHA_256 for all others. An unknown spec is an error.
func AlgorithmFor(keySpec string) (Algorithm, error) {
	if privatekey.Known(keySpec) {
		return RSAAESKeyWrapSHA256, nil
	}
	_, _, err := MaterialSizes(keySpec)
	return RSAESOAEPSHA256, err
}

func (a Algorithm) newHash() (newHash func() hash.Hash, hybrid bool, err error) {
	switch a {
	case RSAESOAEPSHA1:
		return sha1.New, false, nil
	case RSAESOAEPSHA256:
		return sha256.New, false, nil
	case RSAAESKeyWrapSHA1:
		return sha1.New, true, nil
	case RSAAESKeyWrapSHA256:
		return sha256.New, true, nil
	}
	return nil, false, fmt.Errorf("byok: unknown wrapping algorithm %q", string(a))
}

// Wrap encrypts key material under a wrapping public key. The result is the
// EncryptedKeyMaterial of ImportKeyMaterial: as long as the modulus of the key, 256,
// 384 or 512 bytes, and with RSA_AES_KEY_WRAP 8 to 15 bytes longer than the material
// in addition.
//
// The public key is the PublicKey of GetParametersForImport as the SDKs return
// it, DER SubjectPublicKeyInfo (RFC 5280), for an RSA key of 2048, 3072 or 4096
// bits; the algorithm is the WrappingAlgorithm of that request. Wrap does not change the material
// and keeps no copy: the caller clears it once the import has succeeded.
// Errors contain nothing of the material.
func Wrap(publicKey []byte, a Algorithm, material []byte) ([]byte, error) {
	newHash, hybrid, err := a.newHash()
	if err != nil {
		return nil, err
	}
	key, err := parsePublicKey(publicKey)
	if err != nil {
		return nil, err
	}
	if len(material) == 0 {
		return nil, errors.New("byok: there is no key material to wrap")
	}
	if hybrid {
		return wrapHybrid(key, newHash(), material)
	}
	return wrapOAEP(key, a, newHash(), material)
}

func wrapOAEP(key *rsa.PublicKey, a Algorithm, h hash.Hash, material []byte) ([]byte, error) {
	limit := key.Size() - 2*h.Size() - 2 // RFC 8017, section 7.1.1, step 1b
	if len(material) > limit {
		return nil, fmt.Errorf("byok: key material of %d bytes is too long: %s under an RSA key of %d bits wraps at most %d",
			len(material), a, key.N.BitLen(), limit)
	}
	wrapped, err := rsa.EncryptOAEP(h, rand.Reader, key, material, nil)
	if err != nil {
		return nil, fmt.Errorf("byok: wrap the key material: %w", err)
	}
	return wrapped, nil
}

// wrapHybrid wraps material of 16 to 8192 bytes, a range that contains all private keys.
func wrapHybrid(key *rsa.PublicKey, h hash.Hash, material []byte) ([]byte, error) {
	sessionKey := make([]byte, 32)
	rand.Read(sessionKey)
	defer clear(sessionKey)
	first, err := rsa.EncryptOAEP(h, rand.Reader, key, sessionKey, nil)
	if err != nil {
		return nil, fmt.Errorf("byok: wrap the AES key of the key material: %w", err)
	}
	kwp, err := subtle.NewKWP(sessionKey)
	if err != nil {
		return nil, fmt.Errorf("byok: wrap the key material: %w", err)
	}
	second, err := kwp.Wrap(material)
	if err != nil {
		return nil, fmt.Errorf("byok: wrap key material of %d bytes: %w", len(material), err)
	}
	return append(first, second...), nil
}

// minExponent is the smallest public exponent that FIPS 186-5 (section 5.1) allows. Wrapping keys
// have this exponent.
const minExponent = 65537

// parsePublicKey accepts only public keys that a server can have made, because anybody can read
// material that is wrapped under a weak key.
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
		return nil, fmt.Errorf("byok: the wrapping public key has the exponent %d: it must be odd and at least %d",
			key.E, minExponent)
	}
	return key, nil
}
