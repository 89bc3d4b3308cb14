package crypt

import (
	"hash"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"
)

// sessionKeySize is the size of the AES key of the hybrid wrapping, in bytes.
const sessionKeySize = 32

// unwrapHybrid opens an AES-256 key in RSAES-OAEP, as long as the modulus, and
// with it the rest: AES key wrap with padding (RFC 5649, NIST SP 800-38F, section
// 6.3) of material of 9 to 8192 bytes.
//
// Where the first part does not open, or to something else than an AES-256 key, a
// random key takes its place, and the second part fails as it does under any wrong
// key: whoever sends both parts cannot tell which of them it was. The lengths of
// both are no secret.
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
