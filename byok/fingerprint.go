package byok

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Fingerprint returns the fingerprint of a wrapping public key, DER SubjectPublicKeyInfo:
// the SHA-256 of its bytes, as 16 groups of four lower-case
// hexadecimal digits with spaces between them, for people to compare by eye.
//
// Anybody who replaces the server's public key by their own can read the material
// that is wrapped under it, so compare the fingerprint over another channel than the one
// that delivered the public key.
func Fingerprint(publicKey []byte) string {
	sum := sha256.Sum256(publicKey)
	digits := hex.EncodeToString(sum[:])
	var groups []string
	for ; digits != ""; digits = digits[4:] {
		groups = append(groups, digits[:4])
	}
	return strings.Join(groups, " ")
}
