package byok

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// MaterialSize returns how many bytes the material of a key has, by the name
// that the API gives to the key's spec. It is an error if the spec is unknown or
// has no material of one size, as private keys have none: see [HasPrivateKey].
func MaterialSize(keySpec string) (int, error) {
	switch keySpec {
	case "HMAC_224":
		return 28, nil
	case "SYMMETRIC_DEFAULT", "HMAC_256":
		return 32, nil
	case "HMAC_384":
		return 48, nil
	case "HMAC_512":
		return 64, nil
	}
	return 0, fmt.Errorf("byok: key material of the spec %q is not supported", keySpec)
}

// HasPrivateKey tells whether the material of keys of the spec is a private key, which
// [ReadPrivateKey] reads.
func HasPrivateKey(keySpec string) bool { return privatekey.Known(keySpec) }

// An Encoding is how key material is written in a file.
type Encoding string

// The encodings that [DecodeMaterial] knows.
const (
	Raw    Encoding = "raw"
	Hex    Encoding = "hexadecimal"
	Base64 Encoding = "base64"
	JWK    Encoding = "JWK" // of the type oct (RFC 7518, section 6.4)
)

// base64Encodings are the alphabets and paddings that material may be written in.
var base64Encodings = [...]*base64.Encoding{
	base64.StdEncoding.Strict(), base64.URLEncoding.Strict(),
	base64.RawStdEncoding.Strict(), base64.RawURLEncoding.Strict(),
}

// DecodeMaterial returns the size bytes of material that a file holds, and how it
// was written: as they are, in hexadecimal or in base64, which the length tells
// apart, or as a JSON Web Key. White space around text is nothing. Any other length, and text of the
// right length with a wrong character in it, is an error, which holds none of the
// content.
//
// The material is a copy. The caller clears both.
func DecodeMaterial(content []byte, size int) ([]byte, Encoding, error) {
	if len(content) == size {
		return bytes.Clone(content), Raw, nil
	}
	text := bytes.TrimSpace(content)
	if len(text) > 0 && text[0] == '{' {
		material, err := fromOct(text, size)
		return material, JWK, err
	}
	material := make([]byte, max(base64.StdEncoding.DecodedLen(len(text)), size))
	if len(text) == hex.EncodedLen(size) {
		if _, err := hex.Decode(material, text); err == nil {
			return material[:size], Hex, nil
		}
	}
	for _, e := range base64Encodings {
		if len(text) != e.EncodedLen(size) {
			continue
		}
		if n, err := e.Decode(material, text); err == nil && n == size {
			return material[:size], Base64, nil
		}
	}
	clear(material)
	return nil, "", notMaterial(content, text, size)
}

// notMaterial tells why a content is no material, by lengths alone.
func notMaterial(content, text []byte, size int) error {
	why := ""
	switch last := len(content) - 1; {
	case len(text) == hex.EncodedLen(size):
		why = "; it is as long as hexadecimal, but not all of it is hexadecimal digits"
	case len(text) == base64.StdEncoding.EncodedLen(size):
		why = "; it is as long as base64, but not all of it is base64"
	case last == size && content[last] == '\n':
		why = "; the last byte is a newline, which an editor or echo may have added"
	}
	return fmt.Errorf("byok: %d bytes are no key material of %d bytes%s: it is written as %d bytes, as %d hexadecimal digits, or as %d characters of base64",
		len(content), size, why, size, hex.EncodedLen(size), base64.StdEncoding.EncodedLen(size))
}
