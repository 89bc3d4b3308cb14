package keyfile

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// names has the usual names of algorithms, curves and ciphers of files that the package does not read.
var names = map[string]string{
	"1.3.101.110": "X25519", "1.3.101.111": "X448", "1.3.101.112": "Ed25519", "1.3.101.113": "Ed448",
	"1.2.840.10040.4.1": "DSA", "1.2.840.113549.1.3.1": "DH", "1.2.840.10046.2.1": "DH",
	"1.2.840.113549.1.1.10":   "RSASSA-PSS",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65", "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
	"2.16.840.1.101.3.4.4.1": "ML-KEM-512", "2.16.840.1.101.3.4.4.2": "ML-KEM-768",
	"2.16.840.1.101.3.4.4.3": "ML-KEM-1024",

	"1.2.840.10045.3.1.1": "P-192", "1.3.132.0.33": "P-224", "1.2.156.10197.1.301": "SM2",
	"1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1", "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",

	"1.2.840.113549.1.5.1": "PBES1 with MD2 and DES", "1.2.840.113549.1.5.3": "PBES1 with MD5 and DES",
	"1.2.840.113549.1.5.4": "PBES1 with MD2 and RC2", "1.2.840.113549.1.5.6": "PBES1 with MD5 and RC2",
	"1.2.840.113549.1.5.10": "PBES1 with SHA-1 and DES", "1.2.840.113549.1.5.11": "PBES1 with SHA-1 and RC2",
	"1.2.840.113549.1.12.1.1":   "PKCS #12 with SHA-1 and RC4-128",
	"1.2.840.113549.1.12.1.2":   "PKCS #12 with SHA-1 and RC4-40",
	"1.2.840.113549.1.12.1.3":   "PKCS #12 with SHA-1 and DES-EDE3",
	"1.2.840.113549.1.12.1.4":   "PKCS #12 with SHA-1 and DES-EDE2",
	"1.2.840.113549.1.12.1.5":   "PKCS #12 with SHA-1 and RC2-128",
	"1.2.840.113549.1.12.1.6":   "PKCS #12 with SHA-1 and RC2-40",
	"1.2.392.200011.61.1.1.1.2": "CAMELLIA-128-CBC", "1.2.392.200011.61.1.1.1.3": "CAMELLIA-192-CBC",
	"1.2.392.200011.61.1.1.1.4": "CAMELLIA-256-CBC",
	"1.2.410.200046.1.1.2":      "ARIA-128-CBC", "1.2.410.200046.1.1.7": "ARIA-192-CBC",
	"1.2.410.200046.1.1.12": "ARIA-256-CBC",
	"1.2.410.200004.1.4":    "SEED-CBC", "1.3.14.3.2.7": "DES-CBC", "1.2.840.113549.3.2": "RC2-CBC",
	"2.16.840.1.101.3.4.1.6": "AES-128-GCM", "2.16.840.1.101.3.4.1.26": "AES-192-GCM",
	"2.16.840.1.101.3.4.1.46": "AES-256-GCM",
}

// nameOf returns the name of an object identifier, and the identifier.
func nameOf(oid asn1.ObjectIdentifier) string {
	if name, ok := names[oid.String()]; ok {
		return name + ", " + oid.String()
	}
	return oid.String()
}

// checkAlgorithm rejects PKCS #8 with an algorithm or curve that cannot be imported, and names the algorithm or
// curve. It accepts malformed PKCS #8, which the validation rejects.
func checkAlgorithm(pkcs8 []byte) error {
	input := cryptobyte.String(pkcs8)
	var info, algorithm cryptobyte.String
	var oid, named asn1.ObjectIdentifier
	if !input.ReadASN1(&info, tag.SEQUENCE) || !info.SkipASN1(tag.INTEGER) ||
		!info.ReadASN1(&algorithm, tag.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return nil
	}
	switch {
	case oid.Equal(oidRSA):
		return nil
	case !oid.Equal(oidEC):
		return refuse("algorithm", nameOf(oid))
	case algorithm.PeekASN1Tag(tag.SEQUENCE):
		return refuse("explicit curve")
	case !algorithm.ReadASN1ObjectIdentifier(&named):
		return nil
	}
	if _, ok := curveNamed(named); !ok {
		return refuse("curve", nameOf(named))
	}
	return nil
}
