package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// keySize is the size in bytes of the root key, of data keys and of derived keys, for AES-256.
const keySize = 32

// saltSize is the size in bytes of the random salt of a sealed value. Only values that are sealed together, such as the
// records of a transaction, have the same salt and key. So the limit of 2^32 messages per key with random nonces (NIST
// SP 800-38D, section 8.3) does not restrict the use of a data key.
const saltSize = 16

// ErrOpen means that something sealed or wrapped does not open.
var ErrOpen = errors.New("the sealed value does not open: it is damaged, was moved from elsewhere, or was sealed " +
	"under another key")

// derivedAEAD returns AES-256-GCM with a key derived from secret and salt for the purpose (RFC 5869). The AEAD
// generates random nonces and prepends them to the ciphertext.
func derivedAEAD(secret, salt []byte, purpose string) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, secret, salt, purpose, keySize)
	if err != nil {
		return nil, err
	}
	defer clear(k)
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
