package crypt

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
)

// The layout of a ciphertext blob, version 1 (docs/ciphertext-format.md).
const (
	blobVersion    = 1
	accountOffset  = 1
	keyIDOffset    = accountOffset + 12
	materialOffset = keyIDOffset + 36
	saltOffset     = materialOffset + 32
	commitOffset   = saltOffset + 32
	nonceOffset    = commitOffset + 32
	minBlobSize    = nonceOffset + 12 + 16 // nonce and tag of an empty plaintext

	blobInfo = "keyhold ciphertext v1"
)

// ErrCiphertext says that a blob does not open: it is no ciphertext, or is
// damaged, or belongs to other material or to another encryption context. Which
// of these is not told.
var ErrCiphertext = errors.New("crypt: the ciphertext does not open")

// A BlobHeader says whose a ciphertext blob is.
type BlobHeader struct {
	Account    string // 12 digits
	KeyID      string // 36 characters
	MaterialID string // 64 hexadecimal digits
}

// ParseBlob reads the header of a blob, which nothing vouches for before
// Decrypt has opened the blob.
func ParseBlob(blob []byte) (BlobHeader, error) {
	if len(blob) < minBlobSize || blob[0] != blobVersion {
		return BlobHeader{}, ErrCiphertext
	}
	return BlobHeader{
		Account:    string(blob[accountOffset:keyIDOffset]),
		KeyID:      string(blob[keyIDOffset:materialOffset]),
		MaterialID: hex.EncodeToString(blob[materialOffset:saltOffset]),
	}, nil
}

// Encrypt returns the blob of a plaintext under 32 bytes of material. The
// encryption context is authenticated, not kept.
func Encrypt(h BlobHeader, material, plaintext []byte, context map[string]string) ([]byte, error) {
	materialID, err := hex.DecodeString(h.MaterialID)
	if err != nil || len(h.Account) != keyIDOffset-accountOffset || len(h.KeyID) != materialOffset-keyIDOffset || len(materialID) != saltOffset-materialOffset {
		return nil, errors.New("crypt: malformed blob header")
	}
	blob := make([]byte, 0, minBlobSize+len(plaintext))
	blob = append(blob, blobVersion)
	blob = append(blob, h.Account...)
	blob = append(blob, h.KeyID...)
	blob = append(blob, materialID...)
	blob = blob[:commitOffset]
	rand.Read(blob[saltOffset:])
	aead, commitment, err := messageKey(material, blob)
	if err != nil {
		return nil, err
	}
	blob = append(blob, commitment...)
	return aead.Seal(blob, nil, plaintext, associatedData(blob, context)), nil
}

// Decrypt opens a blob. Its header must have been compared with the key that
// material belongs to.
func Decrypt(material, blob []byte, context map[string]string) ([]byte, error) {
	if _, err := ParseBlob(blob); err != nil {
		return nil, err
	}
	aead, commitment, err := messageKey(material, blob[:commitOffset])
	if err != nil {
		return nil, err
	}
	// GCM does not commit to its key: without this comparison one blob could be
	// made to open under two materials, to two plaintexts.
	if subtle.ConstantTimeCompare(commitment, blob[commitOffset:nonceOffset]) != 1 {
		return nil, ErrCiphertext
	}
	plaintext, err := aead.Open(nil, nil, blob[nonceOffset:], associatedData(blob[:nonceOffset], context))
	if err != nil {
		return nil, ErrCiphertext
	}
	return plaintext, nil
}

// messageKey derives from the material, for the message with this header and
// salt alone, the encryption key and the commitment to it.
func messageKey(material, header []byte) (aead cipher.AEAD, commitment []byte, err error) {
	derived, err := hkdf.Key(sha256.New, material, header[saltOffset:], blobInfo+string(header[:saltOffset]), 64)
	if err != nil {
		return nil, nil, err
	}
	defer clear(derived[:32])
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCMWithRandomNonce(block)
	return aead, derived[32:], err
}

// associatedData is all of the blob before the nonce, then the number of pairs
// of the encryption context and the pairs, sorted by the bytes of their keys,
// each string after its length: 4 bytes, big-endian.
func associatedData(header []byte, context map[string]string) []byte {
	ad := slices.Clone(header)
	ad = binary.BigEndian.AppendUint32(ad, uint32(len(context)))
	for _, k := range slices.SortedFunc(maps.Keys(context), cmp.Compare) {
		for _, s := range []string{k, context[k]} {
			ad = binary.BigEndian.AppendUint32(ad, uint32(len(s)))
			ad = append(ad, s...)
		}
	}
	return ad
}
