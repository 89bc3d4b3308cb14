package recipients

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// MaxRecipients is the maximum number of recipients of a file.
const MaxRecipients = 32

// maxText is the maximum size in bytes of a sealed file in the form of text.
const maxText = 64 << 10

// ErrOther means that a file is sealed to other recipients than those whose identities were given.
var ErrOther = errors.New("it is encrypted to somebody else: none of the identities opens it")

// Seal returns a writer that seals its bytes, and writes the sealed file to dst. The file is complete when Close has
// returned nil. All recipients must have one form: age, which includes SSH, or HPKE.
func Seal(dst io.Writer, to ...Recipient) (io.WriteCloser, error) {
	if len(to) == 0 || len(to) > MaxRecipients {
		return nil, fmt.Errorf("a file has 1 to %d recipients, not %d", MaxRecipients, len(to))
	}
	var ages []age.Recipient
	for _, r := range to {
		if r.Approved() != to[0].Approved() {
			return nil, errors.New("a file has either recipients of HPKE, or recipients of age and keys of SSH: not both")
		}
		ages = append(ages, r.age)
	}
	if to[0].Approved() {
		return newWriter(dst, to)
	}
	return age.Encrypt(dst, ages...)
}

// SealText returns a small file that is sealed to one recipient, as ASCII text.
func SealText(plain []byte, to Recipient) ([]byte, error) {
	var file bytes.Buffer
	var dst io.Writer = &file
	var armored io.WriteCloser
	if !to.Approved() {
		armored = armor.NewWriter(&file)
		dst = armored
	}
	w, err := Seal(dst, to)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(plain)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, err
	}
	if armored == nil {
		return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: file.Bytes()}), nil
	}
	if err := armored.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// The beginnings of sealed files.
const (
	pemType   = "KEYHOLD SEALED FILE"
	pemHeader = "-----BEGIN " + pemType + "-----"
	ageIntro  = "age-encryption.org/"
)

// beginnings returns the beginnings of sealed files.
func beginnings() []string { return []string{armor.Header, ageIntro, pemHeader, format} }

// IsSealed reports whether a file that begins with these bytes is sealed. 64 bytes are enough.
func IsSealed(beginning []byte) bool {
	for _, b := range beginnings() {
		if bytes.HasPrefix(beginning, []byte(b)) {
			return true
		}
	}
	return false
}

// IsApproved reports whether a sealed file that begins with these bytes uses approved algorithms only.
func IsApproved(beginning []byte) bool {
	return bytes.HasPrefix(beginning, []byte(format)) || bytes.HasPrefix(beginning, []byte(pemHeader))
}

// Open returns a reader of the content of a sealed file. At io.EOF the content is complete.
// The error is ErrOther if no identity opens the file.
func Open(src io.Reader, with ...Identity) (io.Reader, error) {
	in := bufio.NewReader(src)
	beginning, _ := in.Peek(64)
	switch {
	case bytes.HasPrefix(beginning, []byte(format)):
		return newReader(in, with)
	case bytes.HasPrefix(beginning, []byte(pemHeader)):
		text, err := io.ReadAll(io.LimitReader(in, maxText+1))
		if err != nil {
			return nil, err
		}
		block, rest := pem.Decode(text)
		if block == nil || block.Type != pemType || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 {
			return nil, errors.New("the text of the sealed file is damaged")
		}
		return newReader(bufio.NewReader(bytes.NewReader(block.Bytes)), with)
	case bytes.HasPrefix(beginning, []byte(armor.Header)):
		return openAge(armor.NewReader(in), with)
	}
	return openAge(in, with)
}

func openAge(in io.Reader, with []Identity) (io.Reader, error) {
	var ids []age.Identity
	for _, id := range with {
		if id.age != nil {
			ids = append(ids, id.age)
		}
	}
	if len(ids) == 0 {
		return nil, ErrOther
	}
	r, err := age.Decrypt(in, ids...)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
		return nil, ErrOther
	}
	return r, err
}
