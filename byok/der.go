package byok

import (
	"bytes"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// The algorithms of the two families of private keys (RFC 8017, appendix A.1; RFC
// 5480, section 2.1.1).
var (
	oidRSA = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEC  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
)

// fromDER recognises the form of a private key by its first members, and returns it
// as PKCS #8:
//
//	PKCS #8     SEQUENCE { INTEGER, SEQUENCE ...      RFC 5208, section 5
//	encrypted   SEQUENCE { SEQUENCE, OCTET STRING }   section 6
//	PKCS #1     SEQUENCE { INTEGER, INTEGER ...       RFC 8017, appendix A.1.2
//	SEC 1       SEQUENCE { INTEGER, OCTET STRING ...  RFC 5915, section 3
func fromDER(der []byte, passphrase func() ([]byte, error)) (pkcs8 []byte, form string, err error) {
	input := cryptobyte.String(der)
	var outer cryptobyte.String
	if !input.ReadASN1(&outer, tag.SEQUENCE) || !input.Empty() {
		return nil, "", ErrNoPrivateKey
	}
	if outer.PeekASN1Tag(tag.SEQUENCE) {
		return decryptPKCS8(outer, passphrase)
	}
	if !outer.SkipASN1(tag.INTEGER) {
		return nil, "", ErrNoPrivateKey
	}
	switch {
	case outer.PeekASN1Tag(tag.SEQUENCE):
		return bytes.Clone(der), "PKCS #8", nil
	case outer.PeekASN1Tag(tag.INTEGER):
		pkcs8, err = intoPKCS8(oidRSA, []byte{5, 0}, der) // with parameters NULL
		return pkcs8, "PKCS #1", err
	case outer.PeekASN1Tag(tag.OCTET_STRING):
		pkcs8, err = fromSEC1(der, outer)
		return pkcs8, "SEC 1", err
	}
	return nil, "", ErrNoPrivateKey
}

// fromSEC1 lifts the name of the curve out of an ECPrivateKey, of which members are
// those after the version.
func fromSEC1(der []byte, members cryptobyte.String) ([]byte, error) {
	var parameters cryptobyte.String
	var named bool
	if !members.SkipASN1(tag.OCTET_STRING) || !members.ReadOptionalASN1(&parameters, &named, tag.Tag(0).ContextSpecific().Constructed()) {
		return nil, ErrNoPrivateKey
	}
	return intoPKCS8(oidEC, parameters, der) // whoever validates it finds a curve, or none
}

// intoPKCS8 returns a private key with its algorithm around it.
func intoPKCS8(algorithm asn1.ObjectIdentifier, parameters, privateKey []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(algorithm)
			b.AddBytes(parameters)
		})
		b.AddASN1OctetString(privateKey)
	})
	return b.Bytes()
}
