package crypt

import "fmt"

// A BadMaterial says why key material is not what its spec is made of. It holds
// none of the material. It is for the operator's log: whoever imports is told only
// that the material is not acceptable.
type BadMaterial string

func (b BadMaterial) Error() string { return "crypt: the key material " + string(b) }

func badMaterial(format string, args ...any) BadMaterial {
	return BadMaterial(fmt.Sprintf(format, args...))
}

// Accept validates material as it was imported for a key of the spec, and returns
// it in the one form that it is kept in, for the caller to clear. What it refuses
// is a BadMaterial.
//
// Symmetric and HMAC material is kept as it came: it is the bytes, and only their
// number is wrong or right. A private key comes as PKCS #8 (RFC 5208) in DER, in
// which there are several ways to write one key, and is kept in one of them: the
// same key is the same material.
//
// Sizes are looked at before anything is parsed, and what is cheap to refuse before
// what is not.
func Accept(spec string, imported []byte) ([]byte, error) {
	if size, ok := materialSize(spec); ok {
		return acceptBytes(size, imported)
	}
	if bits, ok := rsaBits(spec); ok {
		return acceptRSA(bits, imported)
	}
	if c, ok := namedCurve(spec); ok {
		return acceptEC(c, imported)
	}
	return nil, fmt.Errorf("crypt: no material of the spec %q is imported", spec)
}

// materialSize gives the size of material that is bytes and no more.
func materialSize(spec string) (int, bool) {
	switch spec {
	case "HMAC_224":
		return 28, true
	case "SYMMETRIC_DEFAULT", "HMAC_256":
		return 32, true
	case "HMAC_384":
		return 48, true
	case "HMAC_512":
		return 64, true
	}
	return 0, false
}

func acceptBytes(size int, imported []byte) ([]byte, error) {
	if len(imported) != size {
		return nil, badMaterial("has %d bytes, not %d", len(imported), size)
	}
	return append([]byte(nil), imported...), nil
}
