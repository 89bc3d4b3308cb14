package crypt

import (
	"errors"
	"fmt"
)

// A Key is key material made ready, with the methods of its family: Sign and
// Verify, Encrypt and Decrypt, MAC, Agree, or Encapsulate and Decapsulate. It
// holds no reference to the bytes that it was made of, and may be used by many
// at once.
type Key interface {
	// Destroy clears the key, which nobody uses any more. What lies deeper is
	// erased when it is collected, if the build has Secretly do that.
	Destroy()
	// Footprint returns about how many bytes of memory the key takes.
	Footprint() int
}

// A Pair is a Key that has a public half.
type Pair interface {
	Key
	// PublicKey returns the public half as DER SubjectPublicKeyInfo (RFC 5280),
	// which the caller must not change.
	PublicKey() []byte
}

// Errors about what is given.
var (
	// ErrMaterial says that bytes are no key material of a spec.
	ErrMaterial = errors.New("crypt: not key material of the spec")

	// ErrSignature says that a signature is not one of the message by the key.
	ErrSignature = errors.New("crypt: not a signature of the message")

	// ErrUnsupported says that this build cannot do what is asked for.
	ErrUnsupported = errors.New("crypt: not in this build")

	// ErrPublicKey says that bytes are no public key on the curve of a key.
	ErrPublicKey = errors.New("crypt: not a public key of the curve")
)

// A family makes and opens material of one spec.
type family struct {
	generate func() ([]byte, error)
	open     func(material []byte) (Key, error)
}

// familyOf returns the family of a key spec, as the API names specs.
func familyOf(spec string) (family, bool) {
	for _, of := range []func(string) (family, bool){symmetricFamily, hmacFamily, rsaFamily, nistFamily, secp256k1Family, ed25519Family, mldsaFamily, mlkemFamily} {
		if f, ok := of(spec); ok {
			return f, true
		}
	}
	return family{}, false
}

// Generate returns new material for a key of the spec: raw bytes of
// SYMMETRIC_DEFAULT and HMAC keys, and of pairs the private key as DER PKCS #8
// (RFC 5958). It is to be called in Secretly.
func Generate(spec string) ([]byte, error) {
	f, ok := familyOf(spec)
	if !ok {
		return nil, fmt.Errorf("crypt: no key spec %q", spec)
	}
	return f.generate()
}

// Open makes material of the spec ready, or returns ErrMaterial, which is
// wrapped. It is to be called in Secretly. It trusts the material to have been
// generated here or checked before: what it looks at is the form and the spec.
func Open(spec string, material []byte) (Key, error) {
	f, ok := familyOf(spec)
	if !ok {
		return nil, fmt.Errorf("crypt: no key spec %q", spec)
	}
	k, err := f.open(material)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrMaterial, spec, err)
	}
	return k, nil
}
