package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
)

// keySize is the size of the root key, of data keys and of derived keys, in
// bytes: AES-256 throughout.
const keySize = 32

// saltSize is the size of the random salt of each sealed value. With a key of
// its own for each value, the bound of 2^32 messages under one key (NIST SP
// 800-38D, section 8.3) does not limit a data key.
const saltSize = 16

var errOpen = errors.New("the sealed value does not open: it is damaged, was moved from elsewhere, or was sealed under another key")

// derivedAEAD returns AES-256-GCM under a key derived from secret and salt for
// the purpose (RFC 5869). It chooses its nonces itself and puts each before the
// ciphertext.
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
