// Package privatekey validates RSA and EC private keys that somebody brings, before
// they are believed, and writes each in one form.
//
// The server does so with what was imported, and the owner's program with what it
// reads: the one may not say on the wire what is wrong, the other can. The package
// knows neither of them; it uses no key for anything.
package privatekey

import "fmt"

// A Problem says why bytes are not a private key of a spec. It goes on where a
// sentence says "the private key", and holds nothing of the key.
type Problem string

func (p Problem) Error() string { return "the private key " + string(p) }

func problem(format string, args ...any) Problem { return Problem(fmt.Sprintf(format, args...)) }

// A Key is a valid private key of a spec.
type Key struct {
	Spec      string // as the API names it: RSA_2048, ECC_NIST_P256, ...
	PKCS8     []byte // in DER, in the one form that a key has here
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

// Parse validates a private key of the spec in PKCS #8 (RFC 5208), in DER or BER. The
// error for a bad key is a Problem. There are several ways to write one key; the Key is in the
// same form for all of them. Its bytes are copies, for the caller to clear.
//
// Sizes are checked before values, and cheap checks come before expensive ones.
func Parse(spec string, pkcs8 []byte) (Key, error) {
	if bits, ok := RSABits(spec); ok {
		return parseRSA(spec, bits, pkcs8)
	}
	if c, ok := curveOf(spec); ok {
		return parseEC(spec, c, pkcs8)
	}
	return Key{}, fmt.Errorf("privatekey: no private keys of the spec %q", spec)
}

// SpecOf finds out what spec a private key in PKCS #8 is of, by its algorithm and its
// curve or modulus. Whether the key is valid is for Parse to say.
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
	return "", problem("is of the algorithm %s, neither RSA nor on an elliptic curve that is known here", p.algorithm)
}
