package crypt

import (
	"crypto/mlkem"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/kem/mlkem/mlkem512"
)

// A lattice is a parameter set of ML-KEM (FIPS 203, section 8), with its object identifier (RFC 9935, section
// 3), the size of its ciphertexts in bytes, and the function that expands a seed to a key.
type lattice struct {
	oid        asn1.ObjectIdentifier
	ciphertext int
	expand     func(seed []byte) (decapsulator, error)
}

// A decapsulator is a key pair of one of the libraries.
type decapsulator interface {
	public() []byte
	encapsulate() (secret, ciphertext []byte)
	decapsulate(ciphertext []byte) (secret []byte, err error)
}

func latticeOf(spec string) (lattice, bool) {
	switch spec {
	case "ML_KEM_512":
		return lattice{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 1}, mlkem512.CiphertextSize, expand512}, true
	case "ML_KEM_768":
		return lattice{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 2}, mlkem.CiphertextSize768, expand768}, true
	case "ML_KEM_1024":
		return lattice{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4, 3}, mlkem.CiphertextSize1024, expand1024}, true
	}
	return lattice{}, false
}

func mlkemFamily(spec string) (family, bool) {
	l, ok := latticeOf(spec)
	return family{
		generate: func() ([]byte, error) {
			seed := Random(mlkem.SeedSize)
			defer clear(seed)
			return l.marshal(seed)
		},
		open: func(material []byte) (Key, error) { return openMLKEM(l, material) },
	}, ok
}

// seedTag is the tag of the form that contains only the seed, in the CHOICE of RFC 9935, section 6.
const seedTag = 0x80

func (l lattice) algorithm() pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: l.oid}
}

func (l lattice) marshal(seed []byte) ([]byte, error) {
	inner := append([]byte{seedTag, mlkem.SeedSize}, seed...)
	defer clear(inner)
	return asn1.Marshal(privateKeyInfo{0, l.algorithm(), inner})
}

// unmarshal returns the seed, which the caller must clear.
func (l lattice) unmarshal(der []byte) ([]byte, error) {
	var outer privateKeyInfo
	if err := unmarshalDER(der, &outer); err != nil {
		return nil, err
	}
	inner := outer.PrivateKey
	if !outer.Algorithm.Algorithm.Equal(l.oid) || len(outer.Algorithm.Parameters.FullBytes) > 0 ||
		len(inner) != 2+mlkem.SeedSize || inner[0] != seedTag || inner[1] != mlkem.SeedSize {
		clear(inner)
		return nil, errors.New("a private key of another kind or form")
	}
	return inner[2:], nil
}

// An MLKEMKey is a key pair for encapsulation with ML-KEM (FIPS 203). Its material is only the seed, in the
// form of RFC 9935, section 6.
type MLKEMKey struct {
	lattice
	pair decapsulator
	spki []byte
}

func openMLKEM(l lattice, material []byte) (*MLKEMKey, error) {
	seed, err := l.unmarshal(material)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	pair, err := l.expand(seed)
	if err != nil {
		return nil, err
	}
	public, err := marshalPublic(l.algorithm(), pair.public())
	return &MLKEMKey{l, pair, public}, err
}

// Destroy drops the key, whose parts are not accessible and cannot be cleared.
func (k *MLKEMKey) Destroy() { k.pair = nil }

// Footprint estimates the memory of the key in bytes.
func (k *MLKEMKey) Footprint() int { return 16 << 10 }

// PublicKey returns the public half as DER SubjectPublicKeyInfo (RFC 9935).
func (k *MLKEMKey) PublicKey() []byte { return k.spki }

// Encapsulate returns a new 32-byte secret and its ciphertext.
func (k *MLKEMKey) Encapsulate() (secret, ciphertext []byte) {
	Secretly(func() { secret, ciphertext = k.pair.encapsulate() })
	return secret, ciphertext
}

// Decapsulate returns the secret of a ciphertext, or ErrCiphertext if the ciphertext has the wrong length. For
// a modified ciphertext, or one made for another key, it returns 32 unpredictable bytes (FIPS 203, section
// 6.3).
func (k *MLKEMKey) Decapsulate(ciphertext []byte) (secret []byte, err error) {
	if len(ciphertext) != k.ciphertext {
		return nil, ErrCiphertext
	}
	Secretly(func() { secret, err = k.pair.decapsulate(ciphertext) })
	return secret, err
}

type pair768 struct{ *mlkem.DecapsulationKey768 }

func expand768(seed []byte) (decapsulator, error) {
	k, err := mlkem.NewDecapsulationKey768(seed)
	return pair768{k}, err
}

func (p pair768) public() []byte                       { return p.EncapsulationKey().Bytes() }
func (p pair768) encapsulate() (secret, c []byte)      { return p.EncapsulationKey().Encapsulate() }
func (p pair768) decapsulate(c []byte) ([]byte, error) { return p.Decapsulate(c) }

type pair1024 struct{ *mlkem.DecapsulationKey1024 }

func expand1024(seed []byte) (decapsulator, error) {
	k, err := mlkem.NewDecapsulationKey1024(seed)
	return pair1024{k}, err
}

func (p pair1024) public() []byte                       { return p.EncapsulationKey().Bytes() }
func (p pair1024) encapsulate() (secret, c []byte)      { return p.EncapsulationKey().Encapsulate() }
func (p pair1024) decapsulate(c []byte) ([]byte, error) { return p.Decapsulate(c) }

// A pair512 uses circl, because crypto/mlkem does not implement the smallest parameter set.
type pair512 struct {
	half    *mlkem512.PublicKey
	private *mlkem512.PrivateKey
}

func expand512(seed []byte) (decapsulator, error) {
	if len(seed) != mlkem512.KeySeedSize {
		return nil, fmt.Errorf("a seed of %d bytes", len(seed))
	}
	half, private := mlkem512.NewKeyFromSeed(seed)
	return pair512{half, private}, nil
}

func (p pair512) public() []byte {
	b := make([]byte, mlkem512.PublicKeySize)
	p.half.Pack(b)
	return b
}

func (p pair512) encapsulate() (secret, ciphertext []byte) {
	secret, ciphertext = make([]byte, mlkem512.SharedKeySize), make([]byte, mlkem512.CiphertextSize)
	p.half.EncapsulateTo(ciphertext, secret, nil) // nil: a random message
	return secret, ciphertext
}

func (p pair512) decapsulate(ciphertext []byte) ([]byte, error) {
	secret := make([]byte, mlkem512.SharedKeySize)
	p.private.DecapsulateTo(secret, ciphertext)
	return secret, nil
}
