package keyfile

import (
	"bytes"
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// The algorithms of the two families of private keys (RFC 8017, appendix A.1; RFC 5480, section 2.1.1).
var (
	oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEC  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
)

// A curve is a curve whose keys AWS KMS imports.
type curve struct {
	spec string
	oid  asn1.ObjectIdentifier
	size int      // of a scalar and of a coordinate, in bytes
	jwk  []string // its names in JWK: RFC 7518, section 6.2.1.1, RFC 8812, section 3.1, and other usual names
}

func curves() []curve {
	return []curve{
		{"ECC_NIST_P256", asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, 32, []string{"P-256"}},
		{"ECC_NIST_P384", asn1.ObjectIdentifier{1, 3, 132, 0, 34}, 48, []string{"P-384"}},
		{"ECC_NIST_P521", asn1.ObjectIdentifier{1, 3, 132, 0, 35}, 66, []string{"P-521"}},
		{"ECC_SECG_P256K1", asn1.ObjectIdentifier{1, 3, 132, 0, 10}, 32, []string{"secp256k1", "P-256K", "SECP256K1"}},
	}
}

func scalarSize(keySpec string) (int, bool) {
	for _, c := range curves() {
		if c.spec == keySpec {
			return c.size, true
		}
	}
	return 0, false
}

// fromScalar returns the private key with a scalar, the form in which wallets export keys.
func fromScalar(keySpec string, scalar []byte) (privatekey.Key, error) {
	for _, c := range curves() {
		if c.spec != keySpec {
			continue
		}
		pkcs8 := c.pkcs8(scalar, nil)
		defer clear(pkcs8)
		return privatekey.Parse(keySpec, pkcs8)
	}
	return privatekey.Key{}, errors.New("keyfile: no curve of the spec " + keySpec)
}

// pkcs8 returns the PKCS #8 of a scalar and its public point, which may be nil. It does not validate them.
func (c curve) pkcs8(scalar, point []byte) []byte {
	var named cryptobyte.Builder
	b := secretBuilder(len(scalar) + len(point))
	named.AddASN1ObjectIdentifier(c.oid)
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // ECPrivateKey (RFC 5915, section 3)
		b.AddASN1Int64(1)
		b.AddASN1OctetString(scalar)
		if point != nil {
			b.AddASN1(tag.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1BitString(point) })
		}
	})
	privateKey := b.BytesOrPanic()
	defer clear(privateKey)
	return intoPKCS8(oidEC, named.BytesOrPanic(), privateKey)
}

// withWholeScalar returns PKCS #8 of an EC key whose scalar has the size of its curve (RFC 5915, section 3). Some
// programs strip zeros at the beginning of the scalar, and PuTTY adds one. Other PKCS #8 is returned unchanged.
// withWholeScalar clears a PKCS #8 that it replaces; the caller clears the result.
func withWholeScalar(pkcs8 []byte) []byte {
	input := cryptobyte.String(pkcs8)
	var info, algorithm, key, inner, octets cryptobyte.String
	var oid, named asn1.ObjectIdentifier
	if !input.ReadASN1(&info, tag.SEQUENCE) || !info.SkipASN1(tag.INTEGER) || !info.ReadASN1(&algorithm, tag.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidEC) || !algorithm.ReadASN1ObjectIdentifier(&named) ||
		!info.ReadASN1(&key, tag.OCTET_STRING) || !key.ReadASN1(&inner, tag.SEQUENCE) || !key.Empty() ||
		!inner.SkipASN1(tag.INTEGER) || !inner.ReadASN1(&octets, tag.OCTET_STRING) {
		return pkcs8
	}
	c, ok := curveNamed(named)
	if !ok || len(octets) == c.size {
		return pkcs8
	}
	var point []byte
	var public cryptobyte.String
	var hasPoint bool
	if !inner.SkipOptionalASN1(tag.Tag(0).ContextSpecific().Constructed()) ||
		!inner.ReadOptionalASN1(&public, &hasPoint, tag.Tag(1).ContextSpecific().Constructed()) ||
		hasPoint && !public.ReadASN1BitStringAsBytes(&point) {
		return pkcs8
	}
	scalar, err := pad(octets, c.size)
	if err != nil {
		return pkcs8
	}
	defer clear(scalar)
	whole := c.pkcs8(scalar, point)
	clear(pkcs8) // contains the point
	return whole
}

func curveNamed(oid asn1.ObjectIdentifier) (curve, bool) {
	for _, c := range curves() {
		if c.oid.Equal(oid) {
			return c, true
		}
	}
	return curve{}, false
}

// pad returns a copy of a number in exactly size bytes.
func pad(number []byte, size int) ([]byte, error) {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) > size {
		return nil, errors.New("keyfile: too long")
	}
	b := make([]byte, size)
	copy(b[size-len(number):], number)
	return b, nil
}

// intoPKCS8 returns the PKCS #8 of a private key and its algorithm.
func intoPKCS8(algorithm asn1.ObjectIdentifier, parameters, privateKey []byte) []byte {
	b := secretBuilder(len(parameters) + len(privateKey))
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(algorithm)
			b.AddBytes(parameters)
		})
		b.AddASN1OctetString(privateKey)
	})
	return b.BytesOrPanic()
}

// secretBuilder returns a builder for a structure with contents of the given size. The builder has room for all of
// the structure, because growing would leave copies in memory.
func secretBuilder(size int) *cryptobyte.Builder {
	const headers = 128 // more than all tags, lengths and object identifiers
	return cryptobyte.NewBuilder(make([]byte, 0, size+headers))
}
