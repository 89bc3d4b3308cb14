package cosign

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// timeSize is the size of the time in a cosignature: seconds, most significant byte first.
const timeSize = 8

// message returns the bytes that a witness signs.
func message(seconds uint64, text []byte) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text)
}

// A Signer makes the cosignatures of one witness at one moment. It is a [note.Signer].
type Signer struct {
	*Verifier
	key  ed25519.PrivateKey
	time time.Time
}

var _ note.Signer = Signer{}

// NewSigner returns the Signer of a witness with this name, which signs at the zero time.
func NewSigner(name string, key ed25519.PrivateKey) (s Signer, err error) {
	v, err := NewVerifier(name, key.Public().(ed25519.PublicKey))
	return Signer{Verifier: v, key: key}, err
}

// At returns the Signer at the time t.
func (s Signer) At(t time.Time) Signer {
	s.time = t
	return s
}

// Sign signs the text of a checkpoint.
func (s Signer) Sign(text []byte) ([]byte, error) {
	seconds := s.time.Unix()
	if seconds <= 0 {
		return nil, errors.New("the clock of the witness is before 1970: set the clock")
	}
	signature := binary.BigEndian.AppendUint64(nil, uint64(seconds))
	return append(signature, ed25519.Sign(s.key, message(uint64(seconds), text))...), nil
}

// Line returns the signature line of a witness for the text of a checkpoint.
func (s Signer) Line(text []byte) ([]byte, error) {
	signature, err := s.Sign(text)
	if err != nil {
		return nil, err
	}
	id := binary.BigEndian.AppendUint32(nil, s.KeyHash())
	return fmt.Appendf(nil, "— %s %s\n", s.Name(), base64.StdEncoding.EncodeToString(append(id, signature...))), nil
}

// TimeOf returns the time of a verified cosignature.
func TimeOf(signature note.Signature) (time.Time, error) {
	raw, err := base64.StdEncoding.DecodeString(signature.Base64)
	if err != nil || len(raw) != 4+timeSize+ed25519.SignatureSize {
		return time.Time{}, errors.New("not a cosignature")
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0), nil
}
