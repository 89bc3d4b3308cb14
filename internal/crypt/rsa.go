package crypt

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	"github.com/keyhold/keyhold/internal/privatekey"
)

func rsaFamily(spec string) (family, bool) {
	bits, ok := privatekey.RSABits(spec)
	if !ok {
		return family{}, false
	}
	return family{
		generate: func() ([]byte, error) {
			private, err := rsa.GenerateKey(rand.Reader, bits)
			if err != nil {
				return nil, err
			}
			defer destroyRSA(private)
			return x509.MarshalPKCS8PrivateKey(private)
		},
		open: func(material []byte) (Key, error) { return openRSA(bits, material) },
	}, true
}

// An RSAKey is a key pair for encryption or signatures (RFC 8017).
type RSAKey struct {
	private *rsa.PrivateKey
	public  []byte
}

func openRSA(bits int, material []byte) (*RSAKey, error) {
	private, err := parsePKCS8[*rsa.PrivateKey](material)
	if err != nil {
		return nil, err
	}
	if n := private.N.BitLen(); n != bits {
		return nil, fmt.Errorf("a modulus of %d bits, not %d", n, bits)
	}
	private.Precompute()
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	return &RSAKey{private, public}, err
}

// Destroy clears the key.
func (k *RSAKey) Destroy() { destroyRSA(k.private) }

// Footprint estimates the memory of the key in bytes.
func (k *RSAKey) Footprint() int { return 32 * k.private.Size() }

func destroyRSA(private *rsa.PrivateKey) {
	clear(private.D.Bits())
	for _, prime := range private.Primes {
		clear(prime.Bits())
	}
	private.Precomputed = rsa.PrecomputedValues{}
}

// PublicKey returns the public half as DER SubjectPublicKeyInfo.
func (k *RSAKey) PublicKey() []byte { return k.public }

// Encrypt returns the ciphertext of a plaintext, which is as long as the modulus. The plaintext must fit the
// algorithm, RSAES_OAEP_SHA_1 or RSAES_OAEP_SHA_256.
func (k *RSAKey) Encrypt(algorithm string, plaintext []byte) ([]byte, error) {
	newHash, ok := oaepHash(algorithm)
	if !ok {
		return nil, fmt.Errorf("crypt: unknown encryption algorithm %q", algorithm)
	}
	return rsa.EncryptOAEP(newHash(), rand.Reader, &k.private.PublicKey, plaintext, nil)
}

// Decrypt decrypts a ciphertext, or returns ErrCiphertext.
func (k *RSAKey) Decrypt(algorithm string, ciphertext []byte) (plaintext []byte, err error) {
	newHash, ok := oaepHash(algorithm)
	if !ok {
		return nil, fmt.Errorf("crypt: unknown encryption algorithm %q", algorithm)
	}
	if len(ciphertext) != k.private.Size() { // RFC 8017, section 7.1.2, step 1b
		return nil, ErrCiphertext
	}
	Secretly(func() { plaintext, err = rsa.DecryptOAEP(newHash(), nil, k.private, ciphertext, nil) })
	if err != nil {
		return nil, ErrCiphertext
	}
	return plaintext, nil
}

// Sign signs a message, or a digest with the length of the algorithm's hash.
func (k *RSAKey) Sign(algorithm string, message []byte, digest bool) (signature []byte, err error) {
	scheme, h, err := rsaScheme(algorithm)
	if err != nil {
		return nil, err
	}
	hashed := hashUnless(digest, h, message)
	Secretly(func() {
		if scheme == pss {
			signature, err = rsa.SignPSS(rand.Reader, k.private, h, hashed, pssOptions)
		} else {
			signature, err = rsa.SignPKCS1v15(nil, k.private, h, hashed)
		}
	})
	return signature, err
}

// Verify returns nil or ErrSignature.
func (k *RSAKey) Verify(algorithm string, message []byte, digest bool, signature []byte) error {
	return verifyRSA(&k.private.PublicKey, algorithm, message, digest, signature)
}

func verifyRSA(public *rsa.PublicKey, algorithm string, message []byte, digest bool, signature []byte) error {
	scheme, h, err := rsaScheme(algorithm)
	if err != nil {
		return err
	}
	hashed := hashUnless(digest, h, message)
	if scheme == pss {
		err = rsa.VerifyPSS(public, h, hashed, signature, pssOptions)
	} else {
		err = rsa.VerifyPKCS1v15(public, h, hashed, signature)
	}
	if err != nil {
		return ErrSignature
	}
	return nil
}

// The signature schemes of RFC 8017, section 8.
const (
	pkcs1 = "RSASSA_PKCS1_V1_5"
	pss   = "RSASSA_PSS"
)

// pssOptions are the options of the API: MGF1 with the hash of the message, and a salt of the same length.
var pssOptions = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

// rsaScheme splits the name of a signing algorithm.
func rsaScheme(algorithm string) (scheme string, h crypto.Hash, err error) {
	for _, scheme := range []string{pkcs1, pss} {
		for suffix, h := range map[string]crypto.Hash{"_SHA_256": crypto.SHA256, "_SHA_384": crypto.SHA384,
			"_SHA_512": crypto.SHA512} {
			if algorithm == scheme+suffix {
				return scheme, h, nil
			}
		}
	}
	return "", 0, fmt.Errorf("crypt: unknown RSA signing algorithm %q", algorithm)
}

// hashUnless returns the hash of a message, or the message itself if it is a digest.
func hashUnless(digest bool, h crypto.Hash, message []byte) []byte {
	if digest {
		return message
	}
	state := h.New()
	state.Write(message)
	return state.Sum(nil)
}
