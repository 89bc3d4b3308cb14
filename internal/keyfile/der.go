package keyfile

import (
	"bytes"
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// readDER reads a file in DER or BER, or returns nil if the file is neither. It ignores a newline at the end,
// which a text tool may have added.
func (r *reader) readDER(content []byte) (*File, error) {
	converted, encoding := r.toDER(content)
	rest := cryptobyte.String(converted)
	var der cryptobyte.String
	if !rest.ReadASN1Element(&der, tag.SEQUENCE) || len(bytes.TrimSpace(rest)) != 0 {
		return nil, nil
	}
	pkcs8, form, err := r.fromDER(der)
	switch {
	case err == errNotKnown && len(content) <= maxOctets:
		return nil, nil
	case err == errNotKnown:
		return nil, refuse("ASN.1")
	case err != nil:
		return nil, err
	}
	return privateKey(pkcs8, encoding+", "+form)
}

// toDER returns the DER of a value in DER or BER, and which of the two the value was in.
func (r *reader) toDER(content []byte) (der []byte, encoding string) {
	der = r.keep(privatekey.ToDER(content))
	if bytes.Equal(der, content) {
		return der, "DER"
	}
	return der, "BER"
}

// errNotKnown is the error for DER of an unknown structure.
var errNotKnown = errors.New("keyfile: no known structure")

// fromDER recognises what a SEQUENCE is by its first members, and returns a private key as PKCS #8:
//
//	PKCS #8     SEQUENCE { INTEGER, SEQUENCE ...      RFC 5208, section 5; RFC 5958, section 2
//	encrypted   SEQUENCE { SEQUENCE, OCTET STRING }   RFC 5208, section 6
//	PKCS #1     SEQUENCE { INTEGER, INTEGER ...       RFC 8017, appendix A.1.2
//	SEC 1       SEQUENCE { INTEGER, OCTET STRING ...  RFC 5915, section 3
func (r *reader) fromDER(der []byte) (pkcs8 []byte, form string, err error) {
	if kind := kindOfDER(der); kind == "DSA" {
		return nil, "", refuse("algorithm", kind)
	} else if kind != "" {
		return nil, "", refuse(kind)
	}
	input := cryptobyte.String(der)
	var members cryptobyte.String
	if !input.ReadASN1(&members, tag.SEQUENCE) || !input.Empty() {
		return nil, "", errNotKnown
	}
	if members.PeekASN1Tag(tag.SEQUENCE) {
		return r.decryptPKCS8(members)
	}
	var version int
	if !members.ReadASN1Integer(&version) {
		return nil, "", errNotKnown
	}
	switch {
	case members.PeekASN1Tag(tag.SEQUENCE):
		pkcs8, err = fromPKCS8(der, version, members)
		return pkcs8, "PKCS #8", err
	case members.PeekASN1Tag(tag.INTEGER):
		return intoPKCS8(oidRSA, []byte{5, 0}, der), "PKCS #1", nil // the parameters are NULL
	case members.PeekASN1Tag(tag.OCTET_STRING):
		pkcs8, err = fromSEC1(der, members)
		return pkcs8, "SEC 1", err
	}
	return nil, "", errNotKnown
}

// fromPKCS8 returns PKCS #8 of version 0. It omits the public key of version 1 (RFC 5958, section 2): an EC
// private key contains the public key anyway, and the public key of an RSA key follows from the private key.
func fromPKCS8(der []byte, version int, members cryptobyte.String) ([]byte, error) {
	if version != 1 {
		return bytes.Clone(der), nil
	}
	var algorithm, privateKey cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !members.ReadASN1(&algorithm, tag.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!members.ReadASN1(&privateKey, tag.OCTET_STRING) {
		return nil, errNotKnown
	}
	return intoPKCS8(oid, algorithm, privateKey), nil
}

// fromSEC1 returns an ECPrivateKey as PKCS #8, with the name of its curve as the parameters. members are the
// members after the version.
func fromSEC1(der []byte, members cryptobyte.String) ([]byte, error) {
	var parameters cryptobyte.String
	var named bool
	if !members.SkipASN1(tag.OCTET_STRING) ||
		!members.ReadOptionalASN1(&parameters, &named, tag.Tag(0).ContextSpecific().Constructed()) {
		return nil, errNotKnown
	}
	return intoPKCS8(oidEC, parameters, der), nil // the validation rejects a key without a curve
}
