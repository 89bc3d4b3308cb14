package shares

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/keyhold/keyhold/internal/crypt"
)

// A Recipient is a custodian to whom a share is encrypted.
type Recipient struct {
	Name string // the text of the recipient
	age.Recipient
}

// An Identity is a private key that decrypts shares.
type Identity = age.Identity

// ParseRecipients reads a file with one custodian in each line: a recipient of age, or a public key of SSH. Empty lines
// and lines that begin with # are ignored. A repeated line is refused, because two shares of one custodian lower the
// threshold.
func ParseRecipients(file []byte) (all []Recipient, err error) {
	seen := map[string]int{}
	n := 0
	for line := range strings.Lines(string(file)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := parseRecipient(line)
		if err != nil {
			return nil, fmt.Errorf("line %d is not a recipient of age or a public key of SSH: %w", n, err)
		}
		if seen[r.Name] != 0 {
			return nil, fmt.Errorf("lines %d and %d have the same custodian", seen[r.Name], n)
		}
		seen[r.Name] = n
		all = append(all, r)
	}
	if len(all) == 0 || len(all) > MaxShares {
		return nil, fmt.Errorf("the file has %d custodians: give 1 to %d, each on a line", len(all), MaxShares)
	}
	return all, nil
}

func parseRecipient(line string) (r Recipient, err error) {
	if strings.HasPrefix(line, "ssh-") {
		r.Recipient, err = agessh.ParseRecipient(line)
		fields := strings.Fields(line)
		r.Name = strings.Join(fields[:min(2, len(fields))], " ") // without the comment
		return r, err
	}
	if strings.HasPrefix(line, "AGE-SECRET-KEY-") {
		return r, errors.New("it is a secret identity, which belongs to the custodian: give its public half, age1…")
	}
	found, err := age.ParseRecipients(strings.NewReader(line))
	if err != nil {
		return r, errors.New("its form is unknown")
	}
	return Recipient{line, found[0]}, nil
}

// Encrypt returns the share as a file of age for its custodian, in ASCII armor.
func (s *Share) Encrypt(to Recipient) (file []byte, err error) {
	crypt.Secretly(func() { file, err = s.encrypt(to) })
	if err != nil {
		return nil, fmt.Errorf("encrypt share %d for %s: %w", s.Index, to.Name, err)
	}
	return file, nil
}

func (s *Share) encrypt(to Recipient) ([]byte, error) {
	text := s.Encode()
	defer clear(text)
	var file bytes.Buffer
	armored := armor.NewWriter(&file)
	w, err := age.Encrypt(armored, to.Recipient)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// MaxFile bounds the file of a share, in bytes.
const MaxFile = 32 << 10

// ParseIdentities reads a file of identities of age, or a private key of SSH. If the private key is encrypted,
// passphrase is called when it is needed. The caller clears the file.
func ParseIdentities(file []byte, passphrase func() ([]byte, error)) ([]Identity, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(file), []byte("-----BEGIN")) {
		ids, err := age.ParseIdentities(bytes.NewReader(file))
		if err != nil {
			return nil, errors.New("this is neither a file of identities of age nor a private key of SSH")
		}
		return ids, nil
	}
	if isArmored(file) {
		return nil, errors.New("the identities are encrypted: decrypt them with age -d, or decrypt the share with age")
	}
	id, err := agessh.ParseIdentity(file)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok && missing.PublicKey != nil {
		id, err = agessh.NewEncryptedSSHIdentity(missing.PublicKey, bytes.Clone(file), passphrase)
	}
	if err != nil {
		return nil, errors.New("this is not a private key of SSH that age can use: give an Ed25519 or RSA key")
	}
	return []Identity{id}, nil
}

// ErrEncrypted means that a share is encrypted, and that no identities were given.
var ErrEncrypted = errors.New("the share is encrypted")

// Read reads a share from its file of age, in ASCII armor or not, or from the text that age decrypted. The caller
// clears the file, and the share with Clear.
func Read(file []byte, identities []Identity) (s *Share, err error) {
	switch {
	case len(file) > MaxFile:
		return nil, fmt.Errorf("this is not a share: it has more than %d bytes", MaxFile)
	case !IsEncrypted(file):
		crypt.Secretly(func() { s, err = Parse(file) })
		return s, err
	case len(identities) == 0:
		return nil, ErrEncrypted
	}
	var encrypted io.Reader = bytes.NewReader(file)
	if isArmored(file) {
		encrypted = armor.NewReader(bufio.NewReader(encrypted))
	}
	crypt.Secretly(func() { s, err = decrypt(encrypted, identities) })
	return s, err
}

// IsEncrypted reports whether a file is a file of age.
func IsEncrypted(file []byte) bool {
	return isArmored(file) || bytes.HasPrefix(file, []byte("age-encryption.org/"))
}

func isArmored(file []byte) bool { return bytes.HasPrefix(file, []byte(armor.Header)) }

func decrypt(file io.Reader, identities []Identity) (*Share, error) {
	plain, err := age.Decrypt(file, identities...)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
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
