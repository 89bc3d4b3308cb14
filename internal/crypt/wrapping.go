package crypt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"math/big"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// oaepHash returns the hash of an RSAES-OAEP algorithm, which is used for both the label and MGF1 (RFC 8017,
// section 7.1).
func oaepHash(algorithm string) (func() hash.Hash, bool) {
	switch algorithm {
	case "RSAES_OAEP_SHA_1":
		return sha1.New, true
	case "RSAES_OAEP_SHA_256":
		return sha256.New, true
	}
	return nil, false
}

// hybridHash returns the hash of RSAES-OAEP in a hybrid algorithm.
func hybridHash(algorithm string) (func() hash.Hash, bool) {
	switch algorithm {
	case "RSA_AES_KEY_WRAP_SHA_1":
		return sha1.New, true
	case "RSA_AES_KEY_WRAP_SHA_256":
		return sha256.New, true
	}
	return nil, false
}

// ErrUnwrap means that wrapped key material does not unwrap. It does not contain the reason, because that would
// make the server an oracle for the wrapping key.
var ErrUnwrap = errors.New("crypt: the wrapped key material does not unwrap")

// A WrappingKey is an RSA key pair. Users wrap key material for import under its public half.
type WrappingKey struct {
	spec    string
	private *rsa.PrivateKey
}

// NewWrappingKey generates a wrapping key of the spec RSA_2048, RSA_3072 or RSA_4096.
func NewWrappingKey(spec string) (*WrappingKey, error) {
	bits, ok := privatekey.RSABits(spec)
	if !ok {
		return nil, fmt.Errorf("crypt: unknown wrapping key spec %q", spec)
	}
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, err
	}
	return &WrappingKey{spec, private}, nil
}

// Spec returns the wrapping key spec.
func (w *WrappingKey) Spec() string { return w.spec }

// PublicKey returns the public half as DER SubjectPublicKeyInfo (RFC 5280).
func (w *WrappingKey) PublicKey() ([]byte, error) {
	return x509.MarshalPKIXPublicKey(&w.private.PublicKey)
}

// Primes returns the two primes of the key pair, for RestoreWrappingKey. They are secret.
func (w *WrappingKey) Primes() (p, q []byte) {
	return w.private.Primes[0].Bytes(), w.private.Primes[1].Bytes()
}

// publicExponent is the public exponent of all wrapping keys.
const publicExponent = 65537

// RestoreWrappingKey restores a wrapping key from its primes. It does not test whether they are primes, because
// this would cost more than unwrapping.
func RestoreWrappingKey(spec string, p, q []byte) (*WrappingKey, error) {
	bits, ok := privatekey.RSABits(spec)
	if !ok {
		return nil, fmt.Errorf("crypt: unknown wrapping key spec %q", spec)
	}
	one := big.NewInt(1)
	prime1, prime2 := new(big.Int).SetBytes(p), new(big.Int).SetBytes(q)
	totient := new(big.Int).Mul(new(big.Int).Sub(prime1, one), new(big.Int).Sub(prime2, one))
	private := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(prime1, prime2), E: publicExponent},
		D:         new(big.Int).ModInverse(big.NewInt(publicExponent), totient),
		Primes:    []*big.Int{prime1, prime2},
	}
	if private.D == nil || private.N.BitLen() != bits {
		return nil, errors.New("crypt: the primes do not make a pair of the spec")
	}
	private.Precompute()
	if err := private.Validate(); err != nil {
		return nil, fmt.Errorf("crypt: restore a wrapping key: %w", err)
	}
	return &WrappingKey{spec, private}, nil
}

// DirectSize returns the size, in bytes, of material that RSAES_OAEP encrypted under a
// wrapping key of the spec (RFC 8017, section 7.1.1). It is 0 for other algorithms.
func DirectSize(algorithm, wrappingKeySpec string) int {
	if _, ok := oaepHash(algorithm); !ok {
		return 0
	}
	bits, _ := privatekey.RSABits(wrappingKeySpec)
	return bits / 8
}

// Unwrap unwraps key material with one of the four algorithms. The caller must check its length and clear it.
func (w *WrappingKey) Unwrap(algorithm string, wrapped []byte) ([]byte, error) {
	if newHash, ok := oaepHash(algorithm); ok {
		return w.openOAEP(newHash(), wrapped)
	}
	if newHash, ok := hybridHash(algorithm); ok {
		return w.unwrapHybrid(newHash(), wrapped)
	}
	return nil, fmt.Errorf("crypt: unknown wrapping algorithm %q", algorithm)
}

func (w *WrappingKey) openOAEP(h hash.Hash, wrapped []byte) ([]byte, error) {
	if len(wrapped) != w.private.Size() { // RFC 8017, section 7.1.2, step 1b
		return nil, ErrUnwrap
	}
	material, err := rsa.DecryptOAEP(h, nil, w.private, wrapped, nil)
	if err != nil {
		return nil, ErrUnwrap
	}
	return material, nil
}
