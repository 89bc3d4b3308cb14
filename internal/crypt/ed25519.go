package crypt

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"fmt"
)

func ed25519Family(spec string) (family, bool) {
	return family{generateEd25519, openEd25519}, spec == "ECC_NIST_EDWARDS25519"
}

func generateEd25519() ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	defer clear(private)
	return x509.MarshalPKCS8PrivateKey(private)
}

// An Ed25519Key is a key pair for signatures on edwards25519 (FIPS 186-5, section 7; RFC 8032).
type Ed25519Key struct {
	private ed25519.PrivateKey
	public  []byte
}

func openEd25519(material []byte) (Key, error) {
	private, err := parsePKCS8[ed25519.PrivateKey](material)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	return &Ed25519Key{private, public}, err
}

// Destroy clears the key.
func (k *Ed25519Key) Destroy() { clear(k.private[:ed25519.SeedSize]) }

// Footprint estimates the memory of the key in bytes.
func (k *Ed25519Key) Footprint() int { return 1 << 10 }

// PublicKey returns the public half as DER SubjectPublicKeyInfo.
func (k *Ed25519Key) PublicKey() []byte { return k.public }

// Sign signs with ED25519_SHA_512, which is Ed25519, or ED25519_PH_SHA_512, which is Ed25519ph. Ed25519ph
// always hashes its message, even if the message is a digest, as specified by the API (MessageType in the API
// reference of Sign).
func (k *Ed25519Key) Sign(algorithm string, message []byte, _ bool) (signature []byte, err error) {
	message, options, err := ed25519Input(algorithm, message)
	if err != nil {
		return nil, err
	}
	Secretly(func() { signature, err = k.private.Sign(nil, message, options) })
	return signature, err
}

// Verify returns nil or ErrSignature.
func (k *Ed25519Key) Verify(algorithm string, message []byte, _ bool, signature []byte) error {
	return verifyEd25519(k.private.Public().(ed25519.PublicKey), algorithm, message, signature)
}

func verifyEd25519(public ed25519.PublicKey, algorithm string, message, signature []byte) error {
	message, options, err := ed25519Input(algorithm, message)
	if err != nil {
		return err
	}
	if ed25519.VerifyWithOptions(public, message, signature, options) != nil {
		return ErrSignature
	}
	return nil
}

// ed25519Input returns the input of the variant for a message.
func ed25519Input(algorithm string, message []byte) ([]byte, *ed25519.Options, error) {
	switch algorithm {
	case "ED25519_SHA_512":
		return message, &ed25519.Options{}, nil
	case "ED25519_PH_SHA_512":
		hashed := sha512.Sum512(message)
		return hashed[:], &ed25519.Options{Hash: crypto.SHA512}, nil
	}
	return nil, nil, fmt.Errorf("crypt: unknown Ed25519 signing algorithm %q", algorithm)
}
