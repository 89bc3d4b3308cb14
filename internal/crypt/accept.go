package crypt

import (
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// A BadMaterial says why imported key material is not acceptable. It holds none of
// the material. It is for the operator's log: whoever imports is told only that the
// material is not what the key expects.
type BadMaterial struct{ Cause error }

func (b *BadMaterial) Error() string { return "bad key material: " + b.Cause.Error() }

func (b *BadMaterial) Unwrap() error { return b.Cause }

// Accept validates material as it was imported for a key of the spec, and returns
// it in the form in which Generate makes such material, for the caller to clear.
// What it refuses is a *BadMaterial.
//
// Symmetric and HMAC material is bytes, of which only the number can be wrong. A
// private key is PKCS #8 in DER or BER; one key is one material, in whichever way it is
// written.
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

// bytesOf gives the sizes, in bytes, of imported material that is bytes and no more.
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
