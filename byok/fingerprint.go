package byok

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Fingerprint returns what tells a wrapping public key, DER SubjectPublicKeyInfo,
// from all others: the SHA-256 of its bytes, as 16 groups of four lower-case
// hexadecimal digits with spaces between them, for people to compare by eye.
//
// Whoever puts another public key in the place of the server's reads the material
// that is wrapped under it, so compare the fingerprint by a way other than the one
// that the public key came by.
func Fingerprint(publicKey []byte) string {
	sum := sha256.Sum256(publicKey)
	digits := hex.EncodeToString(sum[:])
	var groups []string
	for ; digits != ""; digits = digits[4:] {
		groups = append(groups, digits[:4])
	}
	return strings.Join(groups, " ")
}
