package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"errors"
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

// ErrCiphertext means that a blob does not open: it is not a ciphertext, is damaged, or belongs to other
// material or to another encryption context. The error does not distinguish these cases.
var ErrCiphertext = errors.New("crypt: the ciphertext does not open")

// A BlobHeader identifies the key and the material of a ciphertext blob.
type BlobHeader struct {
	Account    string // 12 digits
	KeyID      string // 36 characters
	MaterialID string // 64 hexadecimal digits
}

// ParseBlob parses the header of a blob. The header is not authenticated until Decrypt has opened the blob.
func ParseBlob(blob []byte) (BlobHeader, error) {
	if !isBlob(blob) {
		return BlobHeader{}, ErrCiphertext
	}
	const account, keyID = keyIDOffset - accountOffset, materialOffset - accountOffset // ends of the two in names
	var room [keyID + 2*(saltOffset-materialOffset)]byte
	copy(room[:], blob[accountOffset:materialOffset])
	hex.Encode(room[keyID:], blob[materialOffset:saltOffset])
	names := string(room[:])
	return BlobHeader{Account: names[:account], KeyID: names[account:keyID], MaterialID: names[keyID:]}, nil
}

func isBlob(blob []byte) bool { return len(blob) >= minBlobSize && blob[0] == blobVersion }

// A Message contains the parts of a blob that do not depend on the key material. Everything that can be
// computed without the key material is computed when the Message is created.
type Message struct {
	commitment []byte // commitment in the blob; nil for a new message
	sealed     []byte // nonce, ciphertext and tag
	associated []byte // with zeros in place of the commitment of a new message
}

// ParseMessage returns the Message of a blob, for decryption with this encryption context.
func ParseMessage(blob []byte, context map[string]string) (Message, error) {
	if !isBlob(blob) {
		return Message{}, ErrCiphertext
	}
	return Message{
		commitment: blob[commitOffset:nonceOffset],
		sealed:     blob[nonceOffset:],
		associated: associatedData(blob[:nonceOffset], context),
	}, nil
}

// NewMessage returns a Message that can be encrypted once.
func NewMessage(h BlobHeader, context map[string]string) (Message, error) {
	materialID, err := hex.DecodeString(h.MaterialID)
	if err != nil || len(h.Account) != keyIDOffset-accountOffset || len(h.KeyID) != materialOffset-keyIDOffset ||
		len(materialID) != saltOffset-materialOffset {
		return Message{}, errors.New("crypt: malformed blob header")
	}
	header := make([]byte, 0, nonceOffset)
	header = append(header, blobVersion)
	header = append(header, h.Account...)
	header = append(header, h.KeyID...)
	header = append(header, materialID...)
	header = header[:nonceOffset]
	rand.Read(header[saltOffset:commitOffset])
	return Message{associated: associatedData(header, context)}, nil
}

// Encrypt returns the blob of a plaintext.
func (m Message) Encrypt(k *SymmetricKey, plaintext []byte) ([]byte, error) {
	aead, commitment, err := m.key(k)
	if err != nil {
		return nil, err
	}
	copy(m.associated[commitOffset:nonceOffset], commitment)
	blob := append(make([]byte, 0, minBlobSize+len(plaintext)), m.associated[:nonceOffset]...)
	return aead.Seal(blob, nil, plaintext, m.associated), nil
}

// Decrypt opens the message. The caller must have compared the header of its blob with the key.
func (m Message) Decrypt(k *SymmetricKey) ([]byte, error) {
	aead, commitment, err := m.key(k)
	if err != nil {
		return nil, err
	}
	// GCM does not commit to its key: without this comparison, somebody could construct a blob that opens under
	// two materials to two plaintexts.
	if subtle.ConstantTimeCompare(commitment, m.commitment) != 1 {
		return nil, ErrCiphertext
	}
	plaintext, err := aead.Open(nil, nil, m.sealed, m.associated)
	if err != nil {
		return nil, ErrCiphertext
	}
	return plaintext, nil
}

// key derives the encryption key of this message and the commitment to it from the key material.
func (m Message) key(k *SymmetricKey) (aead cipher.AEAD, commitment []byte, err error) {
	derived := make([]byte, 64)
	info := make([]byte, 0, len(blobInfo)+commitOffset)
	k.expand(append(append(info, blobInfo...), m.associated[:commitOffset]...), derived)
	defer clear(derived[:32])
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, nil, err
	}
	aead, err = cipher.NewGCMWithRandomNonce(block)
	return aead, derived[32:], err
}

// associatedData returns everything in the blob before the nonce, followed by the encryption context: the
// number of pairs, and the pairs sorted by the bytes of their keys. Each string follows its length (4 bytes,
// big-endian).
func associatedData(header []byte, context map[string]string) []byte {
	size := len(header) + 4
	keys := make([]string, 0, len(context))
	for k, v := range context {
		keys = append(keys, k)
		size += 8 + len(k) + len(v)
	}
	slices.Sort(keys)
	ad := append(make([]byte, 0, size), header...)
	ad = binary.BigEndian.AppendUint32(ad, uint32(len(context)))
	for _, k := range keys {
		ad = appendString(appendString(ad, k), context[k])
	}
	return ad
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
