package privatekey

import (
	"bytes"
	"crypto/elliptic"
	"math/big"
	"slices"
	"testing"
)

func badEC(t *testing.T) []badKey {
	const spec, k1 = "ECC_NIST_P256", "ECC_SECG_P256K1"
	scalar, point := partsOfEC(t, spec)
	_, other := partsOfEC(t, spec)
	kScalar, kPoint := partsOfEC(t, k1)
	order := elliptic.P256().Params().N.Bytes()
	kOrder, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	off := bytes.Clone(point)
	off[len(off)-1] ^= 1
	kOff := bytes.Clone(kPoint)
	kOff[len(kOff)-1] ^= 1
	negated := slices.Concat(point[:33], new(big.Int).Sub(elliptic.P256().Params().P, new(big.Int).SetBytes(point[33:])).FillBytes(make([]byte, 32)))
	compressedOther := append([]byte{2 + other[64]&1}, other[1:33]...)
	p521Scalar, p521Point := partsOfEC(t, "ECC_NIST_P521")
	oidP256, oidP384 := derOID(1, 2, 840, 10045, 3, 1, 7), derOID(1, 3, 132, 0, 34)
	oidK1, oidP521 := derOID(1, 3, 132, 0, 10), derOID(1, 3, 132, 0, 35)
	explicit := openssl(t, nil, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit")
	one, two := []byte{2, 1, 1}, []byte{2, 1, 2}
	pub := func(point []byte) []byte { return derTagged(1, derBits(point)) }
	ec := func(oid []byte, members ...[]byte) []byte {
		return derPKCS8(derSequence(derOID(1, 2, 840, 10045, 2, 1), oid), derSequence(members...))
	}
	return []badKey{
		{"explicit parameters", spec, pemBytes(t, explicit), "describes its curve by explicit parameters"},
		{"a curve of its issuer's", spec, ec(derNull, one, derOctets(scalar)), "does not name its curve"},
		{"no curve", spec, ec(nil, one, derOctets(scalar)), "does not name its curve"},
		{"the curve secp256k1 for P-256", spec, ec(oidK1, one, derOctets(scalar)), "is on the curve 1.3.132.0.10, not on P-256"},
		{"the curve P-256 for secp256k1", k1, ec(oidP256, one, derOctets(kScalar)), "is on the curve 1.2.840.10045.3.1.7, not on secp256k1"},
		{"a curve that nobody knows", spec, ec(derOID(1, 2, 3, 4), one, derOctets(scalar)), "is on the curve 1.2.3.4"},
		{"ECDH alone", spec, derPKCS8(derSequence(derOID(1, 3, 132, 1, 12), oidP256), derSequence(one, derOctets(scalar))), "of the algorithm 1.3.132.1.12"},
		{"the scalar alone", spec, derPKCS8(derSequence(derOID(1, 2, 840, 10045, 2, 1), oidP256), derOctets(scalar)), "does not contain exactly one ECPrivateKey"},
		{"bytes after the ECPrivateKey", spec, derPKCS8(derSequence(derOID(1, 2, 840, 10045, 2, 1), oidP256), append(derSequence(one, derOctets(scalar)), 0)), "does not contain exactly one"},
		{"ECPrivateKey version 2", spec, ec(oidP256, two, derOctets(scalar)), "another ECPrivateKey version"},
		{"ECPrivateKey version 0", spec, ec(oidP256, derZero, derOctets(scalar)), "another ECPrivateKey version"},
		{"scalar 0", spec, ec(oidP256, one, derOctets(make([]byte, 32))), "a scalar that is zero or not below the order"},
		{"scalar n", spec, ec(oidP256, one, derOctets(order)), "a scalar that is zero or not below the order"},
		{"scalar 2^256-1", spec, ec(oidP256, one, derOctets(bytes.Repeat([]byte{0xff}, 32))), "a scalar that is zero or not below the order"},
		{"scalar 0 on secp256k1", k1, ec(oidK1, one, derOctets(make([]byte, 32))), "a scalar that is zero or not below the order"},
		{"scalar n on secp256k1", k1, ec(oidK1, one, derOctets(kOrder.Bytes())), "a scalar that is zero or not below the order"},
		{"scalar 2^521-1 on P-521", "ECC_NIST_P521", ec(oidP521, one, derOctets(append([]byte{1}, bytes.Repeat([]byte{0xff}, 65)...))), "a scalar that is zero or not below the order"},
		{"a scalar without its leading zero", spec, ec(oidP256, one, derOctets(scalar[1:])), "does not have the 32 bytes"},
		{"a scalar with a zero before it", spec, ec(oidP256, one, derOctets([]byte{0}, scalar)), "does not have the 32 bytes"},
		{"an empty scalar", spec, ec(oidP256, one, derOctets()), "does not have the 32 bytes"},
		{"a scalar of 65 bytes on P-521", "ECC_NIST_P521", ec(oidP521, one, derOctets(p521Scalar[1:]), pub(p521Point)), "does not have the 66 bytes"},
		{"another curve within", spec, ec(oidP256, one, derOctets(scalar), derTagged(0, oidP384)), "names another curve in its ECPrivateKey"},
		{"an explicit curve within", spec, ec(oidP256, one, derOctets(scalar), derTagged(0, derSequence(one))), "names another curve in its ECPrivateKey than in its PKCS #8, or describes one"},
		{"members out of order", spec, ec(oidP256, one, derOctets(scalar), pub(point), derTagged(0, oidP256)), "something after the last member"},
		{"the public key of another", spec, ec(oidP256, one, derOctets(scalar), pub(other)), "a public key that does not belong to its scalar"},
		{"the negated public key", spec, ec(oidP256, one, derOctets(scalar), pub(negated)), "a public key that does not belong to its scalar"},
		{"the compressed public key of another", spec, ec(oidP256, one, derOctets(scalar), pub(compressedOther)), "a public key that does not belong to its scalar"},
		{"a point off the curve", spec, ec(oidP256, one, derOctets(scalar), pub(off)), "a public key that is not on the curve P-256"},
		{"a point off secp256k1", k1, ec(oidK1, one, derOctets(kScalar), pub(kOff)), "a public key that is not on the curve secp256k1"},
		{"the point (0, 0)", spec, ec(oidP256, one, derOctets(scalar), pub(append([]byte{4}, make([]byte, 64)...))), "not on the curve P-256"},
		{"the point at infinity", spec, ec(oidP256, one, derOctets(scalar), pub([]byte{0})), "the point at infinity"},
		{"half a point", spec, ec(oidP256, one, derOctets(scalar), pub(point[:33])), "in no form of points"},
		{"a point of another form", spec, ec(oidP256, one, derOctets(scalar), pub(append([]byte{5}, point[1:]...))), "in no form of points"},
		{"a compressed point that is too long", spec, ec(oidP256, one, derOctets(scalar), pub(append([]byte{2}, point[1:]...))), "in no form of points"},
		{"a hybrid point that is too short", spec, ec(oidP256, one, derOctets(scalar), pub([]byte{6})), "in no form of points"},
		{"a hybrid point of the other y", spec, ec(oidP256, one, derOctets(scalar), pub(append([]byte{7 - point[64]&1}, point[1:]...))), "contradicts itself"},
		{"the hybrid point of another", spec, ec(oidP256, one, derOctets(scalar), pub(append([]byte{6 + other[64]&1}, other[1:]...))), "does not belong to its scalar"},
		{"a hybrid point off the curve", spec, ec(oidP256, one, derOctets(scalar), pub(append([]byte{6 + off[64]&1}, off[1:]...))), "not on the curve P-256"},
		{"an empty public key", spec, ec(oidP256, one, derOctets(scalar), pub(nil)), "a public key that does not encode a point"},
		{"a public key of a broken byte", spec, ec(oidP256, one, derOctets(scalar), derTagged(1, derElement(3, []byte{1}, point))), "a public key that does not encode a point"},
		{"bytes after the public key", spec, ec(oidP256, one, derOctets(scalar), derTagged(1, derBits(point), derZero)), "a public key that does not encode a point"},
		{"the public key of P-256 on secp256k1", k1, ec(oidK1, one, derOctets(kScalar), pub(point)), "not on the curve secp256k1"},
	}
}

// partsOfEC returns scalar and point of a new key from OpenSSL.
func partsOfEC(t *testing.T, spec string) (scalar, point []byte) {
	t.Helper()
	c, _ := curveOf(spec)
	scalar, point, err := c.parsePrivateKey(mustPKCS8(t, opensslKey(t, spec)).privateKey)
	if err != nil {
		t.Fatal(err)
	}
	return scalar, point
}
