package custody

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/keyhold/keyhold/internal/seal"
)

// answers returns a Prompt that gives the answers in turn, and the questions that it was asked.
func answers(lines ...string) (Prompt, *[]string) {
	var asked []string
	return func(question string) ([]byte, error) {
		asked = append(asked, question)
		if len(asked) > len(lines) {
			return nil, errors.New("no more lines")
		}
		return []byte(lines[len(asked)-1]), nil
	}, &asked
}

// A new passphrase is asked for twice, and an old one once.
func TestPromptedPassphrase(t *testing.T) {
	const good = "a passphrase of words"
	spec := Spec{"passphrase", "prompt"}
	for _, test := range []struct {
		lines []string
		wrong string
	}{
		{[]string{good, good}, ""},
		{[]string{good, "A passphrase of words"}, "was another one the second time"},
		{[]string{good, ""}, "was another one the second time"},
		{[]string{good}, "no more lines"},
		{nil, "no more lines"},
		{[]string{"14 bytes of it"}, "has 14 bytes: give at least 15"},
		{[]string{"15 bytes of it!", "15 bytes of it!"}, ""},
		{[]string{""}, "has 0 bytes"},
	} {
		p, _ := answers(test.lines...)
		root, err := spec.Create(p)
		if test.wrong == "" && err != nil || test.wrong != "" && (root != nil || err == nil || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%q: %v", test.lines, err)
		}
	}
	p, asked := answers(good)
	if _, err := spec.Open(p); err != nil || len(*asked) != 1 {
		t.Errorf("asked %q, %v", *asked, err)
	}
	if _, err := spec.Open(nil); err == nil || !strings.Contains(err.Error(), "no terminal") {
		t.Errorf("without a terminal: %v", err)
	}
}

// A passphrase in a file is one line of text. The end of the line does not belong to it.
func TestPassphraseFile(t *testing.T) {
	const good = "a passphrase of words"
	first, err := (Spec{"passphrase", write(t, good)}).Create(nil)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := first.Wrap(t.Context(), []byte("secret"), "context")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{good, good + "\n", good + "\r\n"} {
		root, err := (Spec{"passphrase", write(t, text)}).Open(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := root.Unwrap(t.Context(), wrapped, "context"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "\n", "two\nlines of text", good + "\n\n", "\ufeff" + good, "a\x00 \x00p\x00a\x00s\x00s\x00"} {
		if _, err := (Spec{"passphrase", write(t, text)}).Open(nil); err == nil || !strings.Contains(err.Error(), "is not one line") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A wrapped secret is the bytes that docs/formats.md names, with Argon2id of RFC 9106.
func TestLayoutOfAPassphrase(t *testing.T) {
	root := passphrase{secret: []byte("a passphrase of words")}
	wrapped, err := root.Wrap(t.Context(), []byte("secret"), "context")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(wrapped, []byte{1, 3, 0, 64, 4}) || len(wrapped) != 21+16+12+6+16 {
		t.Errorf("%x", wrapped)
	}
	key := argon2.IDKey([]byte("a passphrase of words"), wrapped[5:21], 3, 64<<10, 4, 32)
	if got, err := seal.NewRoot("", key).Unwrap(t.Context(), wrapped[21:], "context"); string(got) != "secret" {
		t.Errorf("%q, %v", got, err)
	}
}

// In FIPS mode the key is derived with PBKDF2. A program that is not in FIPS mode opens it too. In FIPS mode, a key that
// Argon2id derived is refused by name.
func TestPassphraseInFIPSMode(t *testing.T) {
	const words = "a passphrase of words"
	approved, other := passphrase{secret: []byte(words), fips: true}, passphrase{secret: []byte(words)}
	wrapped, err := approved.Wrap(t.Context(), []byte("secret"), "context")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(wrapped, []byte{2, 0, 0x09, 0x27, 0xc0}) || len(wrapped) != 21+16+12+6+16 { // 600,000
		t.Errorf("%x", wrapped)
	}
	key, err := pbkdf2.Key(sha256.New, words, wrapped[5:21], 600_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	for name, root := range map[string]seal.Root{"FIPS": approved, "other": other} {
		if got, err := root.Unwrap(t.Context(), wrapped, "context"); string(got) != "secret" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := seal.NewRoot("", key).Unwrap(t.Context(), wrapped[21:], "context"); string(got) != "secret" {
		t.Errorf("%q, %v", got, err)
	}
	if wrapped, err = other.Wrap(t.Context(), []byte("secret"), "context"); err != nil {
		t.Fatal(err)
	}
	if got, err := approved.Unwrap(t.Context(), wrapped, "context"); !errors.Is(err, errNotApproved) {
		t.Errorf("a key that Argon2id derived: %q, %v", got, err)
	}
}

// Parameters that cost too much, or nothing, are refused. The greatest that are accepted would take 1 GiB, so the test
// raises one at a time.
func TestBoundsOfAPassphrase(t *testing.T) {
	root := passphrase{secret: []byte("a passphrase of words")}
	header := func(kind, passes byte, memory uint16, lanes byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{kind, passes}, memory), lanes)
	}
	rest := make([]byte, 16+16+12+32+16)
	for _, test := range []struct {
		header []byte
		tried  bool
	}{
		{header(1, 20, 1, 1), true},
		{header(1, 1, 1, 16), true},
		{header(1, 1, 1, 1), true},
		{header(1, 21, 1, 1), false},
		{header(1, 0, 1, 1), false},
		{header(1, 1, 1025, 1), false},
		{header(1, 1, 65535, 1), false},
		{header(1, 1, 0, 1), false},
		{header(1, 1, 1, 17), false},
		{header(1, 1, 1, 0), false},
		{header(0, 1, 1, 1), false},
		{[]byte{2, 0, 0, 0x03, 0xe8}, true},
		{[]byte{2, 0, 0, 0x03, 0xe7}, false},
		{[]byte{2, 0x01, 0x31, 0x2d, 0x01}, false},
		{[]byte{2, 0xff, 0xff, 0xff, 0xff}, false},
		{header(3, 1, 1, 1), false},
	} {
		if got := accepted(slices.Concat(test.header, rest)); got != test.tried {
			t.Errorf("%v: tried %t", test.header, got)
		}
		if _, err := root.Unwrap(t.Context(), slices.Concat(test.header, rest), ""); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%v: %v", test.header, err)
		}
	}
	if !accepted(slices.Concat(header(1, 20, 1024, 16), rest)) || !accepted(slices.Concat([]byte{2, 0x01, 0x31, 0x2d, 0}, rest)) || accepted(header(1, 1, 1, 1)) {
		t.Error("the bounds are not as documented")
	}
}
