package shares

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/recipients"
)

// ParseRecipients reads a file with one custodian in each line. A repeated line is refused, because two shares of one
// custodian lower the threshold.
func ParseRecipients(file []byte) ([]recipients.Recipient, error) {
	return recipients.ParseFile(file, MaxShares)
}

// Encrypt returns the share as a file for its custodian, in ASCII.
func (s *Share) Encrypt(to recipients.Recipient) (file []byte, err error) {
	crypt.Secretly(func() {
		text := s.Encode()
		defer clear(text)
		file, err = recipients.SealText(text, to)
	})
	if err != nil {
		return nil, fmt.Errorf("encrypt share %d for %s: %w", s.Index, to.Name, err)
	}
	return file, nil
}

// MaxFile bounds the file of a share, in bytes.
const MaxFile = 32 << 10

// ErrEncrypted means that a share is encrypted, and that no identities were given.
var ErrEncrypted = errors.New("the share is encrypted")

// Read reads a share from its encrypted file, in ASCII or not, or from the decrypted text. The caller clears the file,
// and the share with Clear.
func Read(file []byte, identities []recipients.Identity) (s *Share, err error) {
	switch {
	case len(file) > MaxFile:
		return nil, fmt.Errorf("this is not a share: it has more than %d bytes", MaxFile)
	case !IsEncrypted(file):
		crypt.Secretly(func() { s, err = Parse(file) })
		return s, err
	case len(identities) == 0:
		return nil, ErrEncrypted
	}
	crypt.Secretly(func() { s, err = decrypt(file, identities) })
	return s, err
}

// IsEncrypted reports whether a file is encrypted.
func IsEncrypted(file []byte) bool { return recipients.IsSealed(file) }

func decrypt(file []byte, identities []recipients.Identity) (*Share, error) {
	plain, err := recipients.Open(bytes.NewReader(file), identities...)
	if errors.Is(err, recipients.ErrOther) {
		return nil, errors.New("the share is encrypted to somebody else: none of the identities opens it")
	}
	if err != nil {
		return nil, fmt.Errorf("decrypt the share: %w", err)
	}
	text := make([]byte, MaxText+1)
	defer clear(text)
	n, err := io.ReadFull(plain, text)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("decrypt the share: %w", err)
	}
	return Parse(text[:n])
}
