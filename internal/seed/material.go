package seed

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// materialSize is the size of symmetric key material, in bytes.
const materialSize = 32

// parseMaterial decodes material from hexadecimal digits or, failing that, from base64. No text is valid
// material in both forms, because the base64 of 32 bytes ends with "=". The problem does not contain any of the
// text.
func parseMaterial(text string) (material []byte, problem string) {
	const remedy = "give 32 bytes: 64 hexadecimal digits, or base64 as `openssl rand -base64 32` prints it"
	material, err := hex.DecodeString(text)
	if err != nil {
		material, err = base64.StdEncoding.Strict().DecodeString(text)
	}
	switch {
	case err != nil:
		return nil, "it is neither hexadecimal digits nor base64: " + remedy
	case len(material) != materialSize:
		return nil, fmt.Sprintf("it has %d bytes, not %d: %s", len(material), materialSize, remedy)
	}
	return material, ""
}
