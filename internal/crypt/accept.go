package crypt

import (
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// A BadMaterial is the reason why imported key material is not acceptable. It contains none of the material. It
// is only for the operator's log: the error for the client says only that the material is not what the key
// expects.
type BadMaterial struct{ Cause error }

func (b *BadMaterial) Error() string { return "bad key material: " + b.Cause.Error() }

func (b *BadMaterial) Unwrap() error { return b.Cause }

// Accept validates material that was imported for a key of the spec. It returns the material in the form that
// Generate uses; the caller must clear it. Material that is not acceptable returns a *BadMaterial.
//
// Symmetric and HMAC material is a sequence of bytes, and only its length can be wrong. A private key is PKCS
// #8 in DER or BER. Different encodings of one private key give the same material.
func Accept(spec string, imported []byte) ([]byte, error) {
	if least, most, ok := bytesOf(spec); ok {
		if n := len(imported); n < least || n > most {
			return nil, &BadMaterial{fmt.Errorf("it has %d bytes, not %d to %d", n, least, most)}
		}
		return append([]byte(nil), imported...), nil
	}
	k, err := privatekey.Parse(spec, imported)
	if _, ok := errors.AsType[privatekey.Problem](err); ok {
		return nil, &BadMaterial{err}
	}
	return k.PKCS8, err
}

// bytesOf returns the sizes in bytes of imported material that has no inner structure.
func bytesOf(spec string) (least, most int, ok bool) {
	if spec == "SYMMETRIC_DEFAULT" {
		return SymmetricMaterialSize, SymmetricMaterialSize, true
	}
	newHash, ok := hmacHash(spec)
	if !ok {
		return 0, 0, false
	}
	return newHash().Size(), maxHMACSize, true
}
