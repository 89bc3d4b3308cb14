// Package privatekey validates imported RSA and EC private keys, and writes each key in one form.
// It uses no key. Package crypt validates what a server imports, and package keyfile what the
// owner's programs read: the server hides from the sender why a key is invalid, and the owner's
// programs show the reason.
package privatekey

import "fmt"

// A Problem is the reason why bytes are not a valid private key of a spec. It continues a
// sentence that begins with "the private key", and contains nothing of the key.
type Problem string

func (p Problem) Error() string { return "the private key " + string(p) }

func problem(format string, args ...any) Problem { return Problem(fmt.Sprintf(format, args...)) }

// A Key is a valid private key of a spec.
type Key struct {
	Spec      string // the API's name: RSA_2048, ECC_NIST_P256, ...
	PKCS8     []byte // in DER; two encodings of one key have the same PKCS8
	PublicKey []byte // DER SubjectPublicKeyInfo (RFC 5280)
}

// Specs are the key specs with private keys.
var specs = [...]string{
	"RSA_2048", "RSA_3072", "RSA_4096",
	"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
}

// Known reports whether the package supports private keys of the spec.
func Known(spec string) bool {
	_, isRSA := RSABits(spec)
	_, isEC := curveOf(spec)
	return isRSA || isEC
}

// Parse validates a private key of the spec in PKCS #8 (RFC 5208), in DER or BER. The error for
// an invalid key is a Problem. All encodings of one key give the same Key. Its bytes are copies,
// which the caller clears. Parse checks sizes before values, and does cheap checks before
// expensive ones.
func Parse(spec string, pkcs8 []byte) (Key, error) {
	if bits, ok := RSABits(spec); ok {
		return parseRSA(spec, bits, pkcs8)
	}
	if c, ok := curveOf(spec); ok {
		return parseEC(spec, c, pkcs8)
	}
	return Key{}, fmt.Errorf("privatekey: no private keys of the spec %q", spec)
}

// SpecOf returns the spec of a private key in PKCS #8, by its algorithm and its curve or modulus.
// It does not validate the key.
func SpecOf(pkcs8 []byte) (string, error) {
	p, err := splitPKCS8(pkcs8)
	defer p.erase()
	if err != nil {
		return "", err
	}
	if p.algorithm.Equal(oidRSA) {
		return specOfRSA(p.privateKey)
	}
	if p.algorithm.Equal(oidECPublicKey) {
		return specOfCurve(p.parameters)
	}
	return "", problem("is of the algorithm %s, neither RSA nor elliptic curves", p.algorithm)
}
