package privatekey

import (
	encoding "encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A pkcs8 is a parsed PrivateKeyInfo.
type pkcs8 struct {
	algorithm  encoding.ObjectIdentifier
	parameters cryptobyte.String // of the algorithm: one element, or nothing
	privateKey cryptobyte.String // the key, encoded as the algorithm defines
	size       int               // of the PrivateKeyInfo, with the private key inside in DER

	whole []byte // contains the members above, except privateKey
}

// erase clears the copies that splitPKCS8 made.
func (p pkcs8) erase() {
	clear(p.whole)
	clear(p.privateKey)
}

// splitPKCS8 parses PKCS #8 (RFC 5208, section 5) in BER or DER to the last byte. It converts the
// outer value and the private key inside to DER, so that all other code reads DER only. It drops
// attributes, and rejects the public key of RFC 5958, which needs version 1. The caller erases
// the result, also after an error.
func splitPKCS8(ber []byte) (p pkcs8, err error) {
	if len(ber) > maxSize {
		return p, problem("has %d bytes, more than the longest key that can be imported", len(ber))
	}
	p.whole = ToDER(ber)
	input := cryptobyte.String(p.whole)
	var info, algorithm cryptobyte.String
	var version uint
	switch {
	case !input.ReadASN1(&info, asn1.SEQUENCE):
		return p, Problem("is not PKCS #8 in DER or BER")
	case !input.Empty():
		return p, Problem("has something after its PKCS #8")
	case !info.ReadASN1Integer(&version):
		return p, Problem("has no PKCS #8 version: it may be PKCS #1 or SEC 1, or encrypted")
	case version != 0:
		return p, problem("has the PKCS #8 version %d, not 0", version)
	case !info.ReadASN1(&algorithm, asn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&p.algorithm):
		return p, Problem("names no algorithm where PKCS #8 has one: it may be PKCS #1")
	case !readParameters(&algorithm, &p.parameters):
		return p, Problem("has something after the parameters of its algorithm")
	case !info.ReadASN1(&p.privateKey, asn1.OCTET_STRING):
		return p, Problem("has no private key in its PKCS #8")
	case !info.SkipOptionalASN1(attributesTag) || !info.Empty():
		return p, Problem("has something after the private key in its PKCS #8")
	}
	inner := ToDER(p.privateKey)
	p.size = len(p.whole) - len(p.privateKey) + len(inner)
	p.privateKey = inner
	return p, nil
}

var attributesTag = asn1.Tag(0).ContextSpecific().Constructed()

// readParameters reads everything after the object identifier of an algorithm: one element, or nothing. It
// reports whether there is no more.
func readParameters(algorithm, parameters *cryptobyte.String) bool {
	if algorithm.Empty() {
		return true
	}
	var tag asn1.Tag
	return algorithm.ReadAnyASN1Element(parameters, &tag) && algorithm.Empty()
}
