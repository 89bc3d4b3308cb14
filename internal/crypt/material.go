package crypt

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
)

// SymmetricMaterialSize is the size of symmetric key material, in bytes.
const SymmetricMaterialSize = 32

// materialIDInfo, followed by the key ID, is the HKDF info of a material ID.
const materialIDInfo = "keyhold material id v1"

// NewSymmetricMaterial returns 32 random bytes.
func NewSymmetricMaterial() []byte { return Random(SymmetricMaterialSize) }

// MaterialID returns the ID of key material in the key with the given ID: 64 lower-case hexadecimal digits of
// HKDF-SHA-256 (RFC 5869) without salt. The same bytes in the same key always have the same ID. The owner of
// the bytes can compute the ID, which proves that the server has exactly this material.
func MaterialID(keyID string, material []byte) (string, error) {
	id, err := hkdf.Key(sha256.New, material, nil, materialIDInfo+keyID, sha256.Size)
	if err != nil {
		return "", err
	}
	return string(hex.AppendEncode(make([]byte, 0, 2*sha256.Size), id)), nil // one allocation
}
