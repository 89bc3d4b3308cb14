package privatekey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	encoding "encoding/asn1"
	"errors"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A curve is one of the four curves whose private keys can be imported.
type curve struct {
	name string
	oid  encoding.ObjectIdentifier
	size int // of a scalar and of a coordinate, in bytes
	// point returns the public point of a scalar of this size, uncompressed (SEC 1,
	// section 2.3.3), or an error if the scalar is not in 1 to n-1.
	point func(scalar []byte) ([]byte, error)
	// onCurve reports whether an uncompressed point is on the curve.
	onCurve func(point []byte) bool
}

var oidECPublicKey = encoding.ObjectIdentifier{1, 2, 840, 10045, 2, 1} // RFC 5480, section 2.1.1

// curveOf returns the curve of a spec.
func curveOf(spec string) (curve, bool) {
	switch spec {
	case "ECC_NIST_P256":
		return onNIST("P-256", encoding.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256()), true
	case "ECC_NIST_P384":
		return onNIST("P-384", encoding.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384()), true
	case "ECC_NIST_P521":
		return onNIST("P-521", encoding.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521()), true
	case "ECC_SECG_P256K1":
		return curve{"secp256k1", encoding.ObjectIdentifier{1, 3, 132, 0, 10}, 32, pointP256K1, onP256K1}, true
	}
	return curve{}, false
}

func onNIST(name string, oid encoding.ObjectIdentifier, c elliptic.Curve) curve {
	return curve{
		name: name, oid: oid, size: (c.Params().BitSize + 7) / 8,
		point: func(scalar []byte) ([]byte, error) {
			key, err := ecdsa.ParseRawPrivateKey(c, scalar)
			if err != nil {
				return nil, err
			}
			return key.PublicKey.Bytes()
		},
		onCurve: func(point []byte) bool {
			_, err := ecdsa.ParseUncompressedPublicKey(c, point)
			return err == nil
		},
	}
}

func pointP256K1(scalar []byte) ([]byte, error) {
	var s secp256k1.ModNScalar
	defer s.Zero()
	if overflow := s.SetByteSlice(scalar); overflow || s.IsZero() {
		return nil, Problem("has a scalar out of range")
	}
	return secp256k1.NewPrivateKey(&s).PubKey().SerializeUncompressed(), nil
}

func onP256K1(point []byte) bool {
	_, err := secp256k1.ParsePubKey(point)
	return err == nil
}

// maxECSize is larger than any PKCS #8 private key on the curves, in bytes, even if it contains
// curve and public point twice and some attributes.
const maxECSize = 512

// parseEC validates a private key on a named curve (RFC 5915, RFC 5480).
func parseEC(spec string, c curve, pkcs8 []byte) (Key, error) {
	p, err := splitPKCS8(pkcs8)
	defer p.erase()
	switch {
	case err != nil:
		return Key{}, err
	case p.size > maxECSize:
		return Key{}, problem("has %d bytes, too many for a key on the curve %s", p.size, c.name)
	case !p.algorithm.Equal(oidECPublicKey):
		return Key{}, problem("is of the algorithm %s, not on an elliptic curve (%s)", p.algorithm, oidECPublicKey)
	}
	if err := c.checkName(p.parameters); err != nil {
		return Key{}, err
	}
	scalar, stated, err := c.parsePrivateKey(p.privateKey)
	if err != nil {
		return Key{}, err
	}
	point, err := c.point(scalar)
	if err != nil {
		return Key{}, problem("has a scalar that is zero or not below the order of the curve %s", c.name)
	}
	if err := c.checkPoint(stated, point); err != nil {
		return Key{}, err
	}
	return c.marshal(spec, scalar, point)
}

// specOfCurve returns the spec of the curve that ECParameters name.
func specOfCurve(parameters cryptobyte.String) (string, error) {
	for _, spec := range specs {
		if c, ok := curveOf(spec); ok && c.checkName(parameters) == nil {
			return spec, nil
		}
	}
	var oid encoding.ObjectIdentifier
	if parameters.ReadASN1ObjectIdentifier(&oid) {
		return "", problem("is on the curve %s, whose keys cannot be imported", oid)
	}
	return "", Problem("does not name its curve: the curve is described by explicit parameters, or missing")
}

// checkName requires that ECParameters name the curve (RFC 5480, section 2.1.1). It rejects a
// curve that is described by its numbers, even by the right ones, because an attacker could
// describe a weak curve.
func (c curve) checkName(parameters cryptobyte.String) error {
	var oid encoding.ObjectIdentifier
	switch {
	case parameters.PeekASN1Tag(asn1.SEQUENCE):
		return Problem("describes its curve by explicit parameters and does not name it")
	case !parameters.ReadASN1ObjectIdentifier(&oid) || !parameters.Empty():
		return Problem("does not name its curve")
	case !oid.Equal(c.oid):
		return problem("is on the curve %s, not on %s (%s)", oid, c.name, c.oid)
	}
	return nil
}

// parsePrivateKey parses an ECPrivateKey (RFC 5915, section 3). The point is empty if the
// ECPrivateKey has none.
func (c curve) parsePrivateKey(der cryptobyte.String) (scalar, point []byte, err error) {
	var key, octets, parameters, public cryptobyte.String
	var version uint
	var named, hasPoint bool
	switch {
	case !der.ReadASN1(&key, asn1.SEQUENCE) || !der.Empty():
		return nil, nil, Problem("does not contain exactly one ECPrivateKey in its PKCS #8")
	case !key.ReadASN1Integer(&version) || version != 1:
		return nil, nil, Problem("has another ECPrivateKey version than 1")
	case !key.ReadASN1(&octets, asn1.OCTET_STRING) || len(octets) != c.size:
		return nil, nil, problem("has a scalar that does not have the %d bytes of the curve %s", c.size, c.name)
	case !key.ReadOptionalASN1(&parameters, &named, asn1.Tag(0).ContextSpecific().Constructed()):
		return nil, nil, Problem("has no DER where its ECPrivateKey may name the curve again")
	case named && c.checkName(parameters) != nil:
		return nil, nil, Problem("names another curve in its ECPrivateKey than in its PKCS #8, or describes one")
	case !key.ReadOptionalASN1(&public, &hasPoint, asn1.Tag(1).ContextSpecific().Constructed()) || !key.Empty():
		return nil, nil, Problem("has something after the last member of its ECPrivateKey")
	case hasPoint && (!public.ReadASN1BitStringAsBytes(&point) || !public.Empty() || len(point) == 0):
		return nil, nil, Problem("has a public key that does not encode a point")
	}
	return octets, point, nil
}

// checkPoint compares a public point that came with the scalar with the scalar's own.
//
// The developer guide takes a point "compressed, uncompressed, or projective"
// ("Requirements for imported key material"). SEC 1, section 2.3.3, has octets for the
// first two. No standard has octets for projective coordinates, so the third one is the
// third form of ANSI X9.62, section 4.3.6: hybrid, which is the uncompressed point with
// the parity of y in its first byte.
func (c curve) checkPoint(point, own []byte) error {
	odd := own[len(own)-1] & 1
	compressed := append([]byte{2 + odd}, own[1:1+c.size]...)
	hybrid := append([]byte{6 + odd}, own[1:]...)
	switch {
	case len(point) == 0, bytes.Equal(point, own), bytes.Equal(point, compressed), bytes.Equal(point, hybrid):
		return nil
	case len(point) == 1 && point[0] == 0:
		return Problem("has the point at infinity for a public key")
	case !c.isPoint(point):
		return problem("has a public key in no form of points on the curve %s: compressed, uncompressed or hybrid", c.name)
	case len(point) == len(own) && !c.onCurve(append([]byte{4}, point[1:]...)):
		return problem("has a public key that is not on the curve %s", c.name)
	case bytes.Equal(point[1:], own[1:]):
		return Problem("has a public key in hybrid form that contradicts itself: its first byte has the other y-coordinate")
	}
	return Problem("has a public key that does not belong to its scalar")
}

// isPoint reports whether the encoding of a point can have this first byte and this length.
func (c curve) isPoint(octets []byte) bool {
	switch octets[0] {
	case 2, 3:
		return len(octets) == 1+c.size
	case 4, 6, 7:
		return len(octets) == 1+2*c.size
	}
	return false
}

// marshal returns the key in the form that most programs write: with the curve named once, and an
// uncompressed public point.
func (c curve) marshal(spec string, scalar, point []byte) (Key, error) {
	algorithm := func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidECPublicKey)
		b.AddASN1ObjectIdentifier(c.oid)
	}
	private := cryptobyte.NewBuilder(make([]byte, 0, maxECSize)) // growing would leave copies of the scalar in memory
	var public cryptobyte.Builder
	private.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(asn1.SEQUENCE, algorithm)
		b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1OctetString(scalar)
				b.AddASN1(asn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1BitString(point) })
			})
		})
	})
	public.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, algorithm)
		b.AddASN1BitString(point)
	})
	pkcs8, err1 := private.Bytes()
	spki, err2 := public.Bytes()
	return Key{spec, pkcs8, spki}, errors.Join(err1, err2)
}
