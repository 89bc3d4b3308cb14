package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// TokenKeySize is the size in bytes of the key that seals import tokens. A key is used for one hour, for far
// fewer than the 2^32 tokens that are allowed with random nonces (NIST SP 800-38D, section 8.3).
const TokenKeySize = 32

// ErrToken means that a token was not sealed under this key with this header.
var ErrToken = errors.New("crypt: the token does not open")

// NewTokenKey returns a random token key.
func NewTokenKey() []byte {
	b := make([]byte, TokenKeySize)
	rand.Read(b)
	return b
}

// SealToken returns header, nonce and the sealed payload, authenticated together.
func SealToken(tokenKey, header, payload []byte) ([]byte, error) {
	aead, err := tokenAEAD(tokenKey)
	if err != nil {
		return nil, err
	}
	return append(header[:len(header):len(header)], aead.Seal(nil, nil, payload, header)...), nil
}

// OpenToken returns the payload of a token whose header has the given size.
func OpenToken(tokenKey, token []byte, headerSize int) ([]byte, error) {
	aead, err := tokenAEAD(tokenKey)
	if err != nil {
		return nil, err
	}
	if len(token) < headerSize {
		return nil, ErrToken
	}
	payload, err := aead.Open(nil, nil, token[headerSize:], token[:headerSize])
	if err != nil {
		return nil, ErrToken
	}
	return payload, nil
}

func tokenAEAD(tokenKey []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(tokenKey)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
