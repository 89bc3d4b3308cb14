package shares

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudflare/circl/group"
)

// A Label describes a secret. It is not secret itself, but only custodians see it.
type Label struct {
	Kind string    // what the secret is: KindRecovery or KindMaterial
	Of   string    // what it belongs to: a deployment or a key
	Form string    // the form of the secret
	ID   string    // a one-way value of the secret, which proves that it came back unchanged
	Made time.Time // in seconds
}

// These are the kinds of secrets.
const (
	KindRecovery = "recovery-key"
	KindMaterial = "key-material"
)

// A Set is what all shares of a secret have in common.
type Set struct {
	Label
	Threshold, Count int
	commitments      []group.Element
	sealed           []byte
}

// A Share is one part of a secret. It belongs to one custodian.
type Share struct {
	Set
	Index int // 1 to Count
	value group.Scalar
}

// format is the first line of a share: formats, and the number of the version.
const (
	formats = "keyhold-share-v"
	format  = formats + "1"
)

// MaxText bounds the text of a share, in bytes.
const MaxText = 16 << 10

// maxLine bounds a line of a label, in bytes.
const maxLine = 512

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// check refuses a label that has no place in a line.
func (l Label) check() error {
	for _, line := range []string{l.Kind, l.Of, l.Form, l.ID} {
		if line == "" || len(line) > maxLine || strings.IndexFunc(line, notPrintable) >= 0 {
			return fmt.Errorf("%q is not a line of 1 to %d characters of ASCII", line, maxLine)
		}
	}
	if l.Kind != KindRecovery && l.Kind != KindMaterial {
		return fmt.Errorf("%q is not a kind of secret", l.Kind)
	}
	return nil
}

// header returns the text of the label, the numbers and the commitments.
func (s *Set) header() []byte {
	var points []string
	for _, c := range s.commitments {
		b, err := c.MarshalBinary()
		if err != nil {
			panic(err) // impossible: an element of ristretto255 always has its 32 bytes
		}
		points = append(points, base64.StdEncoding.EncodeToString(b))
	}
	return fmt.Appendf(nil, "%s\nkind: %s\nof: %s\nform: %s\nid: %s\nmade: %s\nthreshold: %d\nshares: %d\n"+
		"commitments: %s\n", format, s.Kind, s.Of, s.Form, s.ID, s.Made.UTC().Format(time.RFC3339),
		s.Threshold, s.Count, strings.Join(points, " "))
}

// common returns the text that is the same in all shares of the set.
func (s *Set) common() []byte {
	return fmt.Appendf(s.header(), "sealed: %s\n", base64.StdEncoding.EncodeToString(s.sealed))
}

// Fingerprint identifies the set: 128 bits of the SHA-256 of what its shares have in common, in hexadecimal.
func (s *Set) Fingerprint() string {
	sum := sha256.Sum256(s.common())
	return hex.EncodeToString(sum[:16])
}

// Encode returns the text of the share, which the caller clears.
func (s *Share) Encode() []byte {
	text := make([]byte, 0, MaxText) // has room for all, because growing would leave copies in memory
	text = append(text, s.common()...)
	text = fmt.Appendf(text, "share: %d\nvalue: ", s.Index)
	value, err := s.value.MarshalBinary()
	if err != nil {
		panic(err) // impossible: a scalar of ristretto255 always has its 32 bytes
	}
	defer clear(value)
	return append(base64.StdEncoding.AppendEncode(text, value), '\n')
}

// Clear erases the share in memory.
func (s *Share) Clear() { s.value.SetUint64(0) }

// Parse reads the text of a share. It accepts only what Encode writes, and a value that belongs to the commitments.
func Parse(text []byte) (*Share, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("this is not a share: it has more than %d bytes", MaxText)
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case string(first) == format:
	case bytes.HasPrefix(first, []byte(formats)) && len(bytes.Trim(first[len(formats):], "0123456789")) == 0:
		return nil, errors.New("this is a share of another version: use the program that wrote it, or a newer one")
	default:
		return nil, fmt.Errorf("this is not a share: it does not begin with %s", format)
	}
	s, err := parse(rest)
	if err != nil {
		return nil, fmt.Errorf("the share is damaged: %w", err)
	}
	again := s.Encode()
	defer clear(again)
	switch {
	case !bytes.Equal(again, text):
		return nil, errors.New("the share is damaged: it is not written as a share is")
	case !s.verify():
		return nil, fmt.Errorf("share %d of %s is wrong: its value does not belong to its commitments", s.Index, s.Of)
	}
	return s, nil
}

// parse reads the lines of a share after the first.
func parse(text []byte) (*Share, error) {
	l := &lines{rest: text}
	s := &Share{}
	s.Kind, s.Of, s.Form, s.ID = l.text("kind"), l.text("of"), l.text("form"), l.text("id")
	s.Made = l.time("made")
	s.Threshold, s.Count = l.number("threshold"), l.number("shares")
	for _, point := range strings.Fields(l.text("commitments")) {
		s.commitments = append(s.commitments, l.element(point))
	}
	s.sealed = l.bytes("sealed")
	s.Index = l.number("share")
	s.value = l.scalar("value")
	if l.err != nil {
		return nil, l.err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.Threshold < 1 || s.Threshold > s.Count || s.Count > MaxShares || s.Index < 1 || s.Index > s.Count ||
		len(s.commitments) != s.Threshold {
		return nil, errors.New("its numbers do not fit together")
	}
	return s, nil
}

// lines reads lines of a name, a colon, a space and a value, and keeps the first error. No error has a value.
type lines struct {
	rest []byte
	err  error
}

func (l *lines) refuse(name, what string) {
	if l.err == nil {
		l.err = fmt.Errorf("the line %q %s", name, what)
	}
}

// next returns the value of the next line, within the text.
func (l *lines) next(name string) []byte {
	line, rest, ended := bytes.Cut(l.rest, []byte("\n"))
	value, ok := bytes.CutPrefix(line, []byte(name+": "))
	if !ok || !ended {
		l.refuse(name, "is missing")
		return nil
	}
	l.rest = rest
	return value
}

func (l *lines) text(name string) string { return string(l.next(name)) }

func (l *lines) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339, l.text(name))
	if err != nil {
		l.refuse(name, "is not a time")
	}
	return t
}

func (l *lines) number(name string) int {
	n, err := strconv.ParseUint(l.text(name), 10, 8)
	if err != nil {
		l.refuse(name, "is not a number")
	}
	return int(n)
}

func (l *lines) bytes(name string) []byte {
	value := l.next(name)
	b, err := base64.StdEncoding.Strict().AppendDecode(make([]byte, 0, len(value)), value)
	if err != nil {
		l.refuse(name, "is not base64")
		return nil
	}
	return b
}

func (l *lines) element(text string) group.Element {
	e := groupOf.NewElement()
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || e.UnmarshalBinary(b) != nil {
		l.refuse("commitments", "has something that is not an element of the group")
	}
	return e
}

func (l *lines) scalar(name string) group.Scalar {
	v := groupOf.NewScalar()
	b := l.bytes(name)
	defer clear(b)
	if l.err == nil && v.UnmarshalBinary(b) != nil {
		l.refuse(name, "is not a scalar of the group")
	}
	return v
}
