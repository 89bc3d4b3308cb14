package crypt

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// nistCurve returns the curve of a spec and the hash of its signing algorithm.
func nistCurve(spec string) (elliptic.Curve, crypto.Hash) {
	switch spec {
	case "ECC_NIST_P256":
		return elliptic.P256(), crypto.SHA256
	case "ECC_NIST_P384":
		return elliptic.P384(), crypto.SHA384
	case "ECC_NIST_P521":
		return elliptic.P521(), crypto.SHA512
	}
	return nil, 0
}

func nistFamily(spec string) (family, bool) {
	curve, h := nistCurve(spec)
	if curve == nil {
		return family{}, false
	}
	return family{
		generate: func() ([]byte, error) {
			private, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				return nil, err
			}
			return x509.MarshalPKCS8PrivateKey(private)
		},
		open: func(material []byte) (Key, error) { return openNIST(curve, h, material) },
	}, true
}

// A NISTKey is a key pair on a curve of NIST SP 800-186, for signatures (FIPS 186-5) or key agreement (NIST SP
// 800-56A).
type NISTKey struct {
	private   *ecdsa.PrivateKey
	agreement *ecdh.PrivateKey
	hash      crypto.Hash
	public    []byte
}

func openNIST(curve elliptic.Curve, h crypto.Hash, material []byte) (*NISTKey, error) {
	private, err := parsePKCS8[*ecdsa.PrivateKey](material)
	if err != nil {
		return nil, err
	}
	if private.Curve != curve {
		return nil, fmt.Errorf("on the curve %s, not %s", private.Curve.Params().Name, curve.Params().Name)
	}
	agreement, err := private.ECDH()
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	return &NISTKey{private, agreement, h, public}, err
}

// Destroy clears the key.
func (k *NISTKey) Destroy() {
	//lint:ignore SA1019 there is no other way to clear it
	clear(k.private.D.Bits())
	k.agreement = nil
}

// Footprint estimates the memory of the key in bytes.
func (k *NISTKey) Footprint() int { return 2 << 10 }

// PublicKey returns the public half as DER SubjectPublicKeyInfo.
func (k *NISTKey) PublicKey() []byte { return k.public }

// Sign signs a message or its digest, and returns DER (RFC 3279, section 2.2.3). The curve determines the
// algorithm.
func (k *NISTKey) Sign(_ string, message []byte, digest bool) (signature []byte, err error) {
	hashed := hashUnless(digest, k.hash, message)
	Secretly(func() { signature, err = ecdsa.SignASN1(rand.Reader, k.private, hashed) })
	return signature, err
}

// Verify returns nil or ErrSignature.
func (k *NISTKey) Verify(_ string, message []byte, digest bool, signature []byte) error {
	return verifyNIST(&k.private.PublicKey, hashUnless(digest, k.hash, message), signature)
}

func verifyNIST(public *ecdsa.PublicKey, hashed, signature []byte) error {
	if !ecdsa.VerifyASN1(public, hashed, signature) {
		return ErrSignature
	}
	return nil
}

// Agree returns the secret shared with the owner of the peer's private key: the x-coordinate, as long as a
// field element (SEC 1, section 3.3.1). peer is a public key as SubjectPublicKeyInfo in DER, with a named curve
// and an uncompressed or compressed point (RFC 5480, section 2.2). For any other key, the error is
// ErrPublicKey.
func (k *NISTKey) Agree(peer []byte) (secret []byte, err error) {
	public, err := k.parsePeer(peer)
	if err != nil {
		return nil, ErrPublicKey
	}
	Secretly(func() { secret, err = k.agreement.ECDH(public) })
	return secret, err
}

// parsePeer parses a public key on the curve of k. Everything except the point must be equal to k's own public
// key.
func (k *NISTKey) parsePeer(peer []byte) (*ecdh.PublicKey, error) {
	algorithm, point := splitSPKI(peer)
	own, _ := splitSPKI(k.public)
	if point == nil || !bytes.Equal(algorithm, own) {
		return nil, ErrPublicKey
	}
	if x, y := elliptic.UnmarshalCompressed(k.private.Curve, point); x != nil {
		size := len(point) - 1
		point = slices.Concat([]byte{4}, x.FillBytes(make([]byte, size)), y.FillBytes(make([]byte, size)))
	}
	return k.agreement.Curve().NewPublicKey(point) // requires an uncompressed point on the curve, not at infinity
}

// splitSPKI returns the AlgorithmIdentifier and the bits of a DER SubjectPublicKeyInfo (RFC 5280, section 4.1),
// or nil.
func splitSPKI(der []byte) (algorithm, bits []byte) {
	input := cryptobyte.String(der)
	var info, element cryptobyte.String
	if !input.ReadASN1(&info, asn1.SEQUENCE) || !input.Empty() ||
		!info.ReadASN1Element(&element, asn1.SEQUENCE) || !info.ReadASN1BitStringAsBytes(&bits) || !info.Empty() {
		return nil, nil
	}
	return element, bits
}
