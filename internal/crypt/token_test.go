package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"testing"
)

var (
	tokenHeader  = []byte("header")
	tokenPayload = []byte("payload of the token")
)

func mustSealToken(t *testing.T, tokenKey []byte) []byte {
	t.Helper()
	token, err := SealToken(tokenKey, tokenHeader, tokenPayload)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func wantTokenRefused(t *testing.T, what string, tokenKey, token []byte, headerSize int) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s (%d bytes): panic: %v", what, len(token), p)
		}
	}()
	if payload, err := OpenToken(tokenKey, token, headerSize); payload != nil || err != ErrToken {
		t.Errorf("%s: %q, %v", what, payload, err)
	}
}

func TestToken(t *testing.T) {
	tokenKey := NewTokenKey()
	token := mustSealToken(t, tokenKey)
	if got, err := OpenToken(tokenKey, token, len(tokenHeader)); !bytes.Equal(got, tokenPayload) || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	// Header, nonce, ciphertext and tag. The header is authenticated.
	block, err := aes.NewCipher(tokenKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := gcm.Open(nil, token[6:18], token[18:], tokenHeader); !bytes.Equal(got, tokenPayload) || !bytes.Equal(token[:6], tokenHeader) || err != nil {
		t.Errorf("by hand: %q, %v", got, err)
	}
	if bytes.Contains(token, tokenPayload[:8]) {
		t.Error("the payload is not encrypted")
	}
	if again := mustSealToken(t, tokenKey); bytes.Equal(token[6:18], again[6:18]) || bytes.Equal(token[18:], again[18:]) {
		t.Error("two tokens are equal")
	}
}

// The header may be a part of a larger slice.
func TestSealTokenLeavesItsArguments(t *testing.T) {
	around := []byte("header and bytes after it, which the token must not overwrite")
	before := bytes.Clone(around)
	if _, err := SealToken(NewTokenKey(), around[:6], tokenPayload); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(around, before) || string(tokenPayload) != "payload of the token" {
		t.Errorf("now it is %q", around)
	}
}

func TestDamagedTokens(t *testing.T) {
	tokenKey := NewTokenKey()
	token := mustSealToken(t, tokenKey)
	for bit := range 8 * len(token) {
		damaged := bytes.Clone(token)
		damaged[bit/8] ^= 1 << (bit % 8)
		wantTokenRefused(t, "a flipped bit", tokenKey, damaged, len(tokenHeader))
	}
	for n := len(tokenHeader); n < len(token); n++ {
		wantTokenRefused(t, "truncated", tokenKey, token[:n], len(tokenHeader))
	}
	wantTokenRefused(t, "with a byte more", tokenKey, append(bytes.Clone(token), 0), len(tokenHeader))
	wantTokenRefused(t, "another key", NewTokenKey(), token, len(tokenHeader))
	wantTokenRefused(t, "a shorter header", tokenKey, token, len(tokenHeader)-1)
	wantTokenRefused(t, "a longer header", tokenKey, token, len(tokenHeader)+1)
}

func TestTokensShorterThanTheirHeader(t *testing.T) {
	tokenKey := NewTokenKey()
	token := mustSealToken(t, tokenKey)
	wantTokenRefused(t, "nil", tokenKey, nil, len(tokenHeader))
	for n := range tokenHeader {
		wantTokenRefused(t, "truncated", tokenKey, token[:n:n], len(tokenHeader))
	}
}

func TestTokenKeys(t *testing.T) {
	a, b := NewTokenKey(), NewTokenKey()
	if len(a) != TokenKeySize || bytes.Equal(a, b) || bytes.Equal(a, make([]byte, 32)) {
		t.Errorf("%x and %x", a, b)
	}
	for _, size := range []int{0, 31, 33} {
		if token, err := SealToken(make([]byte, size), tokenHeader, tokenPayload); token != nil || err == nil {
			t.Errorf("a key of %d bytes is accepted", size)
		}
	}
}
