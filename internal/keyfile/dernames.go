package keyfile

import (
	"crypto/x509"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// oidPKCS7 is the arc of the content types of PKCS #7 (RFC 2315, section 14).
var oidPKCS7 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7}

// kindOfDER returns the kind of a structure in DER other than a private key, or "". The first members tell the kind:
//
//	PKCS #12          SEQUENCE { INTEGER, SEQUENCE { OID of PKCS #7 ...        RFC 7292, section 4
//	PKCS #7, CMS      SEQUENCE { OID of PKCS #7 ...                            RFC 5652, section 3
//	public key        SEQUENCE { SEQUENCE, BIT STRING }                        RFC 5280, section 4.1
//	public, PKCS #1   SEQUENCE { INTEGER, INTEGER }                            RFC 8017, appendix A.1.1
//	DSA               SEQUENCE { six INTEGERs }                                as OpenSSL writes it
//	BCFKS             SEQUENCE { SEQUENCE { SEQUENCE, OCTET STRING }, SEQUENCE { ...
func kindOfDER(der []byte) string {
	input := cryptobyte.String(der)
	var members cryptobyte.String
	if !input.ReadASN1(&members, tag.SEQUENCE) {
		return ""
	}
	shape := shapeOf(members)
	first := members
	switch {
	case beginsWithPKCS7(members):
		return "PKCS #7"
	case shape == "IS" || shape == "ISS":
		var inner cryptobyte.String
		if first.SkipASN1(tag.INTEGER) && first.ReadASN1(&inner, tag.SEQUENCE) && beginsWithPKCS7(inner) {
			return "PKCS #12"
		}
	case shape == "SB":
		return "public key"
	case shape == "II":
		return "public key"
	case shape == "IIIIII":
		return "DSA"
	case shape == "SSB":
		return signedKind(der)
	case shape == "SS":
		var inner cryptobyte.String
		if first.ReadASN1(&inner, tag.SEQUENCE) && shapeOf(inner) == "SO" {
			return "BCFKS"
		}
	}
	return ""
}

func beginsWithPKCS7(members cryptobyte.String) bool {
	var oid asn1.ObjectIdentifier
	return members.ReadASN1ObjectIdentifier(&oid) && len(oid) == len(oidPKCS7)+1 && oid[:len(oidPKCS7)].Equal(oidPKCS7)
}

// shapeOf returns a letter for each member of a structure: I for INTEGER, S for SEQUENCE, O for OCTET STRING, B
// for BIT STRING, ? for others. It is "" if the members are not DER.
func shapeOf(members cryptobyte.String) string {
	letters := map[tag.Tag]string{tag.INTEGER: "I", tag.SEQUENCE: "S", tag.OCTET_STRING: "O", tag.BIT_STRING: "B"}
	shape := ""
	for !members.Empty() {
		var member cryptobyte.String
		var t tag.Tag
		if !members.ReadAnyASN1(&member, &t) {
			return ""
		}
		letter, ok := letters[t]
		if !ok {
			letter = "?"
		}
		shape += letter
	}
	return shape
}

// signedKind returns the kind of a signed structure: a certificate, a request or a CRL.
func signedKind(der []byte) string {
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return "request"
	}
	if _, err := x509.ParseRevocationList(der); err == nil {
		return "CRL"
	}
	return "certificate"
}
