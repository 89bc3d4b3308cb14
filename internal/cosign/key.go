package cosign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Algorithm is the byte of a key for cosignatures with Ed25519. Keys of logs have the byte 1 (c2sp.org/signed-note).
const Algorithm = 4

// A Verifier verifies the cosignatures of one witness. It is a [note.Verifier].
type Verifier struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

var _ note.Verifier = (*Verifier)(nil)

// NewVerifier returns the Verifier of a witness with this name.
func NewVerifier(name string, key ed25519.PublicKey) (*Verifier, error) {
	if !validName(name) {
		return nil, fmt.Errorf("%q is not a name for a witness: give text without spaces and plus, such as "+
			"witness.example.com/one", name)
	}
	return &Verifier{name, keyID(name, key), key}, nil
}

var errVerifier = errors.New("not the verifier key of a witness: it has the form NAME+ID+KEY, and KEY begins with B")

// ParseVerifier parses a verifier key, as [Verifier.String] returns it.
func ParseVerifier(text string) (*Verifier, error) {
	name, rest, _ := strings.Cut(text, "+")
	_, encoded, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != Algorithm {
		return nil, errVerifier
	}
	v, err := NewVerifier(name, raw[1:])
	if err != nil || v.String() != text {
		return nil, errVerifier
	}
	return v, nil
}

// String returns the verifier key: the name, the ID and the public key.
func (v *Verifier) String() string {
	return fmt.Sprintf("%s+%08x+%s", v.name, v.id, base64.StdEncoding.EncodeToString(tagged(v.key)))
}

// Name returns the name of the witness.
func (v *Verifier) Name() string { return v.name }

// KeyHash returns the ID of the key.
func (v *Verifier) KeyHash() uint32 { return v.id }

// Verify reports whether the witness signed the text of a checkpoint.
func (v *Verifier) Verify(text, signature []byte) bool {
	if len(signature) != timeSize+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(signature)
	return seconds < 1<<63 && ed25519.Verify(v.key, message(seconds, text), signature[timeSize:])
}

// tagged returns a public key with the byte of its Algorithm before it.
func tagged(key ed25519.PublicKey) []byte { return append([]byte{Algorithm}, key...) }

func keyID(name string, key ed25519.PublicKey) uint32 {
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(name), tagged(key)}, []byte("\n")))
	return binary.BigEndian.Uint32(sum[:])
}

// validName follows the rule of signed notes for the names of keys.
func validName(name string) bool {
	return name != "" && len(name) <= 255 && utf8.ValidString(name) && !strings.Contains(name, "+") &&
		strings.IndexFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) < 0
}
