package main

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
)

// materialSize is the size of the material of a symmetric key: 256 bits.
const materialSize = 32

// wrapMaterial encrypts key material for RSAES_OAEP_SHA_256, in which SHA-256 is
// the hash of both OAEP and MGF1.
func wrapMaterial(publicKey, material []byte) ([]byte, error) {
	parsed, err := x509.ParsePKIXPublicKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("the public key: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the public key: expected an RSA key, got %T", parsed)
	}
	if err := expect("bits of the public key", public.N.BitLen(), 2048); err != nil {
		return nil, err
	}
	return rsa.EncryptOAEP(sha256.New(), rand.Reader, public, material, nil)
}

// materialID computes the ID that the server must give to this material (docs/ciphertext-format.md).
func materialID(keyID string, material []byte) (string, error) {
	id, err := hkdf.Key(sha256.New, material, nil, "keyhold material id v1"+keyID, 32)
	return hex.EncodeToString(id), err
}
