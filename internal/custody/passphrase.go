package custody

import (
	"bytes"
	"context"
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/keyhold/keyhold/internal/seal"
)

// shortestPassphrase is the minimum size in bytes of a passphrase: NIST SP 800-63B-4, section 3.1.1.2, demands 15
// characters of a password that is the only factor.
const shortestPassphrase = 15

// A passphrase derives a key from a passphrase: with PBKDF2 in FIPS mode, and else with Argon2id.
type passphrase struct {
	secret []byte
	place  string
	fips   bool
}

// ID is the same for all passphrases, because a part of the passphrase must not show. A keyring therefore has at most
// one passphrase.
func (passphrase) ID() string { return "passphrase" }

// A wrapped secret begins with the key derivation (1 byte), its parameters (4 bytes) and its salt (16 bytes). The
// parameters of Argon2id are passes (1 byte), memory in MiB (2 bytes, big-endian) and lanes (1 byte). The parameter of
// PBKDF2 with HMAC-SHA-256 is the number of iterations (4 bytes, big-endian).
const (
	argon2id     = 1
	pbkdf2SHA256 = 2
	saltBegin    = 1 + 4
	headerSize   = saltBegin + 16
)

// These are the second recommended parameters of RFC 9106, section 4.
const (
	passes = 3
	memory = 64 // MiB
	lanes  = 4
)

// iterations is what the OWASP Password Storage Cheat Sheet recommends for PBKDF2 with HMAC-SHA-256.
const iterations = 600_000

// These bound what a damaged store can make an Unwrap cost.
const (
	mostPasses     = 20
	mostMemory     = 1024 // MiB
	mostLanes      = 16
	mostIterations = 20_000_000
)

// leastIterations is the minimum of NIST SP 800-132, section 5.2.
const leastIterations = 1000

var errNotApproved = errors.New("the root key is under a key that Argon2id derived from the passphrase, which is not " +
	"an approved algorithm: add another custody with a program that is not in FIPS mode (docs/fips.md)")

func (p passphrase) Wrap(ctx context.Context, secret []byte, context string) ([]byte, error) {
	header := p.newHeader()
	key, err := p.derive(header)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	wrapped, err := seal.NewRoot("", key).Wrap(ctx, secret, context)
	if err != nil {
		return nil, err
	}
	return append(header, wrapped...), nil
}

func (p passphrase) newHeader() []byte {
	header := make([]byte, headerSize)
	if p.fips {
		header[0] = pbkdf2SHA256
		binary.BigEndian.PutUint32(header[1:], iterations)
	} else {
		header[0], header[1], header[4] = argon2id, passes, lanes
		binary.BigEndian.PutUint16(header[2:], memory)
	}
	rand.Read(header[saltBegin:]) // never fails: the program ends first (crypto/rand)
	return header
}

func (p passphrase) Unwrap(ctx context.Context, wrapped []byte, context string) ([]byte, error) {
	if !accepted(wrapped) {
		return nil, seal.ErrOpen
	}
	key, err := p.derive(wrapped[:headerSize])
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return seal.NewRoot("", key).Unwrap(ctx, wrapped[headerSize:], context)
}

// accepted reports whether the parameters of a wrapped secret are within the bounds.
func accepted(wrapped []byte) bool {
	if len(wrapped) < headerSize {
		return false
	}
	switch wrapped[0] {
	case argon2id:
		passes, memory, lanes := wrapped[1], binary.BigEndian.Uint16(wrapped[2:]), wrapped[4]
		return passes >= 1 && passes <= mostPasses && memory >= 1 && memory <= mostMemory && lanes >= 1 && lanes <= mostLanes
	case pbkdf2SHA256:
		n := binary.BigEndian.Uint32(wrapped[1:])
		return n >= leastIterations && n <= mostIterations
	}
	return false
}

// derive returns the key of 32 bytes that an accepted header derives from the passphrase. The caller clears it.
func (p passphrase) derive(header []byte) ([]byte, error) {
	salt := header[saltBegin:]
	if header[0] == pbkdf2SHA256 {
		return pbkdf2.Key(sha256.New, string(p.secret), salt, int(binary.BigEndian.Uint32(header[1:])), keySize)
	}
	if p.fips {
		return nil, errNotApproved
	}
	memory := uint32(binary.BigEndian.Uint16(header[2:])) << 10 // KiB
	return argon2.IDKey(p.secret, salt, uint32(header[1]), memory, header[4], keySize), nil
}

// check reports whether the place still has the passphrase.
func (p passphrase) check() error {
	if !canReadAgain(p.place) {
		return nil
	}
	secret, err := readLine("the passphrase", p.place, nil, "")
	if err != nil {
		return fmt.Errorf("%w: restore the passphrase", err)
	}
	defer clear(secret)
	if !bytes.Equal(secret, p.secret) {
		return fmt.Errorf("%s has another passphrase now: restore the passphrase", p.place)
	}
	return nil
}

// createPassphrase asks for a passphrase twice, or reads it.
func createPassphrase(place string, p Prompt) (seal.Root, error) {
	secret, err := readNewLine("the passphrase", place, p, "New passphrase of the root key: ", shortestPassphrase)
	if err != nil {
		return nil, err
	}
	return passphrase{secret, place, fips140.Enabled()}, nil
}

// openPassphrase asks for a passphrase, or reads it.
func openPassphrase(place string, p Prompt) (seal.Root, error) {
	secret, err := readLine("the passphrase", place, p, "Passphrase of the root key: ")
	if err != nil {
		return nil, err
	}
	return passphrase{secret, place, fips140.Enabled()}, nil
}
