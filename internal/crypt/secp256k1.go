package crypt

import (
	"crypto"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

func secp256k1Family(spec string) (family, bool) {
	return family{generateSecp256k1, openSecp256k1}, spec == "ECC_SECG_P256K1"
}

func generateSecp256k1() ([]byte, error) {
	private, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		return nil, err
	}
	defer private.Zero()
	return marshalSecp256k1(private)
}

// A Secp256k1Key is a key pair for signatures on secp256k1 (SEC 2, section 2.4.1).
type Secp256k1Key struct {
	private *secp256k1.PrivateKey
	half    *secp256k1.PublicKey
	public  []byte
}

func openSecp256k1(material []byte) (Key, error) {
	private, err := parseSecp256k1(material)
	if err != nil {
		return nil, err
	}
	half := private.PubKey()
	public, err := marshalSecp256k1Public(half)
	return &Secp256k1Key{private, half, public}, err
}

// Destroy clears the key.
func (k *Secp256k1Key) Destroy() { k.private.Zero() }

// Footprint estimates the memory of the key in bytes.
func (k *Secp256k1Key) Footprint() int { return 1 << 10 }

// PublicKey returns the public half as DER SubjectPublicKeyInfo.
func (k *Secp256k1Key) PublicKey() []byte { return k.public }

// Sign signs a message or its SHA-256 digest, and returns DER (RFC 3279, section 2.2.3). The nonce is
// deterministic (RFC 6979), and s is the lower of the two possible values.
func (k *Secp256k1Key) Sign(_ string, message []byte, digest bool) (signature []byte, err error) {
	hashed := hashUnless(digest, crypto.SHA256, message)
	Secretly(func() { signature = ecdsa.Sign(k.private, hashed).Serialize() })
	return signature, nil
}

// Verify returns nil or ErrSignature. It accepts both values of s.
func (k *Secp256k1Key) Verify(_ string, message []byte, digest bool, signature []byte) error {
	return verifySecp256k1(k.half, hashUnless(digest, crypto.SHA256, message), signature)
}

func verifySecp256k1(public *secp256k1.PublicKey, hashed, signature []byte) error {
	parsed, err := ecdsa.ParseDERSignature(signature)
	if err != nil || !parsed.Verify(hashed, public) {
		return ErrSignature
	}
	return nil
}
