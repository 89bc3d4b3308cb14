package byok

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

const keyIDLength = 36

// KeyMaterialID returns the KeyMaterialId that a Keyhold server gives to the
// material in the key of the given ID (the 36 characters, not the ARN): 64
// lower-case hexadecimal digits of HKDF-SHA-256 (RFC 5869) over the material,
// without salt, with the info "keyhold material id v1" and the key ID.
//
// If ImportKeyMaterial returns the same ID, the server has
// exactly this material. AWS computes other IDs in an unpublished way.
// KeyMaterialID does not change the material; the caller clears it.
func KeyMaterialID(keyID string, material []byte) (string, error) {
	if len(keyID) != keyIDLength {
		return "", fmt.Errorf("byok: %q is not a key ID of %d characters, which an ARN ends with", keyID, keyIDLength)
	}
	id, err := hkdf.Key(sha256.New, material, nil, "keyhold material id v1"+keyID, 32)
	if err != nil {
		return "", fmt.Errorf("byok: derive the key material ID: %w", err)
	}
	return hex.EncodeToString(id), nil
}
