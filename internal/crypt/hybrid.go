package crypt

import (
	"hash"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// sessionKeySize is the size in bytes of the AES key in hybrid wrapping.
const sessionKeySize = 32

// unwrapHybrid decrypts an AES-256 key with RSAES-OAEP from the first part, which is as long as the modulus.
// With this key, it unwraps the second part: AES key wrap with padding (RFC 5649, NIST SP 800-38F, section 6.3)
// of material of 9 to 8192 bytes.
//
// If the first part does not decrypt to an AES-256 key, a random key replaces it, and the second part then
// fails as with any wrong key. Therefore the sender cannot find out which part failed. The lengths of both
// parts are not secret.
func (w *WrappingKey) unwrapHybrid(h hash.Hash, wrapped []byte) ([]byte, error) {
	size := w.private.Size()
	if len(wrapped) <= size {
		return nil, ErrUnwrap
	}
	sessionKey := Random(sessionKeySize)
	defer clear(sessionKey)
	if opened, err := w.openOAEP(h, wrapped[:size]); err == nil {
		if len(opened) == sessionKeySize {
			copy(sessionKey, opened)
		}
		clear(opened)
	}
	kwp, err := subtle.NewKWP(sessionKey)
	if err != nil {
		return nil, err
	}
	material, err := kwp.Unwrap(wrapped[size:])
	if err != nil {
		return nil, ErrUnwrap
	}
	return material, nil
}
