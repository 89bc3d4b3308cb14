package byok

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The ends of the parts of a ciphertext blob of version 1 (docs/ciphertext-format.md).
const (
	versionEnd    = 1
	accountEnd    = versionEnd + 12
	keyIDEnd      = accountEnd + keyIDLength
	materialIDEnd = keyIDEnd + sha256.Size
	saltEnd       = materialIDEnd + 32
	commitmentEnd = saltEnd + 32
	smallestBlob  = commitmentEnd + 12 + 16 // with an empty plaintext: only nonce and tag
)

// A Header names the key and the material of a ciphertext. It is not authenticated until [Decrypt]
// has opened the ciphertext.
type Header struct {
	Account       string // 12 digits
	KeyID         string // 36 characters
	KeyMaterialID string // 64 lower-case hexadecimal digits
}

// ParseCiphertext reads the header of a ciphertext blob, which is at least 173
// bytes long. It returns an error for ciphertexts of AWS KMS.
func ParseCiphertext(blob []byte) (Header, error) {
	if len(blob) < smallestBlob || blob[0] != 1 || strings.Trim(string(blob[versionEnd:accountEnd]), "0123456789") != "" {
		return Header{}, fmt.Errorf("byok: %d bytes are not a complete ciphertext of Keyhold", len(blob))
	}
	return Header{
		Account:       string(blob[versionEnd:accountEnd]),
		KeyID:         string(blob[accountEnd:keyIDEnd]),
		KeyMaterialID: hex.EncodeToString(blob[keyIDEnd:materialIDEnd]),
	}, nil
}

// Decrypt decrypts a ciphertext blob of a symmetric key without a server. It needs
// the key's material, 32 bytes, and the encryption context of the encryption, nil
// for none. It does not change the material.
//
// The error reports whether the ciphertext names other material, was damaged, or has another encryption context; it
// contains neither material nor plaintext.
func Decrypt(material, blob []byte, context map[string]string) ([]byte, error) {
	h, err := ParseCiphertext(blob)
	if err != nil {
		return nil, err
	}
	id, err := KeyMaterialID(h.KeyID, material)
	if err != nil {
		return nil, err
	}
	if id != h.KeyMaterialID {
		return nil, fmt.Errorf("byok: the ciphertext of the key %s was made with other material: "+
			"its ID is %s, but the ID of the given material is %s", h.KeyID, h.KeyMaterialID, id)
	}
	derived, err := hkdf.Key(sha256.New, material, nil, "keyhold ciphertext v1"+string(blob[:saltEnd]), 64)
	if err != nil {
		return nil, fmt.Errorf("byok: derive the key of the message: %w", err)
	}
	defer clear(derived)
	if subtle.ConstantTimeCompare(derived[32:], blob[saltEnd:commitmentEnd]) != 1 {
		return nil, errors.New("byok: the ciphertext is damaged")
	}
	plaintext, err := openGCM(derived[:32], blob[commitmentEnd:], associatedData(blob[:commitmentEnd], context))
	if err != nil {
		return nil, errors.New("byok: the ciphertext has another encryption context, or is damaged")
	}
	return plaintext, nil
}

// openGCM opens nonce, ciphertext and tag.
func openGCM(key, sealed, associated []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, associated)
}

// associatedData returns everything before the nonce, followed by the number of pairs of the
// encryption context, and the pairs, sorted by the bytes of their keys. The number, and the
// length before each text, are 4 bytes, big-endian.
func associatedData(header []byte, context map[string]string) []byte {
	data := binary.BigEndian.AppendUint32(slices.Clone(header), uint32(len(context)))
	for _, name := range slices.Sorted(maps.Keys(context)) {
		for _, text := range []string{name, context[name]} {
			data = binary.BigEndian.AppendUint32(data, uint32(len(text)))
			data = append(data, text...)
		}
	}
	return data
}
