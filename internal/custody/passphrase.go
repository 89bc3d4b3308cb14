package custody

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/keyhold/keyhold/internal/seal"
)

// shortestPassphrase is the minimum size in bytes of a passphrase: NIST SP 800-63B-4, section 3.1.1.2, demands 15
// characters of a password that is the only factor.
const shortestPassphrase = 15

// A passphrase derives a key from a passphrase.
type passphrase struct {
	secret []byte
	place  string
}

// ID is the same for all passphrases, because a part of the passphrase must not show. A keyring therefore has at most
// one passphrase.
func (passphrase) ID() string { return "passphrase" }

// A wrapped secret begins with the parameters of the key derivation: 1 for Argon2id, its passes (1 byte), its memory in
// MiB (2 bytes, big-endian), its lanes (1 byte) and its salt (16 bytes).
const (
	argon2id   = 1
	saltBegin  = 1 + 1 + 2 + 1
	parameters = saltBegin + 16
)

// These are the second recommended parameters of RFC 9106, section 4.
const (
	passes = 3
	memory = 64 // MiB
	lanes  = 4
)

// These bound what a damaged store can make an Unwrap cost.
const (
	mostPasses = 20
	mostMemory = 1024 // MiB
	mostLanes  = 16
)

func (p passphrase) Wrap(ctx context.Context, secret []byte, context string) ([]byte, error) {
	header := make([]byte, parameters)
	header[0], header[1], header[4] = argon2id, passes, lanes
	binary.BigEndian.PutUint16(header[2:], memory)
	rand.Read(header[saltBegin:]) // never fails: the program ends first (crypto/rand)
	key := p.derive(header)
	defer clear(key)
	wrapped, err := seal.NewRoot("", key).Wrap(ctx, secret, context)
	if err != nil {
		return nil, err
	}
	return append(header, wrapped...), nil
}

func (p passphrase) Unwrap(ctx context.Context, wrapped []byte, context string) ([]byte, error) {
	if !accepted(wrapped) {
		return nil, seal.ErrOpen
	}
	key := p.derive(wrapped[:parameters])
	defer clear(key)
	return seal.NewRoot("", key).Unwrap(ctx, wrapped[parameters:], context)
}

// accepted reports whether the parameters of a wrapped secret are within the bounds.
func accepted(wrapped []byte) bool {
	if len(wrapped) < parameters || wrapped[0] != argon2id {
		return false
	}
	passes, memory, lanes := wrapped[1], binary.BigEndian.Uint16(wrapped[2:]), wrapped[4]
	return passes >= 1 && passes <= mostPasses && memory >= 1 && memory <= mostMemory && lanes >= 1 && lanes <= mostLanes
}

// derive returns the key of 32 bytes that the parameters derive from the passphrase. The caller clears it.
func (p passphrase) derive(header []byte) []byte {
	memory := uint32(binary.BigEndian.Uint16(header[2:])) << 10 // KiB
	return argon2.IDKey(p.secret, header[saltBegin:parameters], uint32(header[1]), memory, header[4], keySize)
}

// check reports whether the place still has the passphrase.
func (p passphrase) check() error {
	if !canReadAgain(p.place) {
		return nil
	}
	secret, err := readPassphrase(p.place, nil, "")
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
	secret, err := readPassphrase(place, p, "New passphrase of the root key: ")
	if err != nil {
		return nil, err
	}
	if len(secret) < shortestPassphrase {
		clear(secret)
		return nil, fmt.Errorf("the passphrase has %d bytes: give at least %d", len(secret), shortestPassphrase)
	}
	if place == "prompt" {
		again, err := readPassphrase(place, p, "The same passphrase again: ")
		same := bytes.Equal(again, secret)
		clear(again)
		if err == nil && !same {
			err = errors.New("the two passphrases differ")
		}
		if err != nil {
			clear(secret)
			return nil, err
		}
	}
	return passphrase{secret, place}, nil
}

// openPassphrase asks for a passphrase, or reads it.
func openPassphrase(place string, p Prompt) (seal.Root, error) {
	secret, err := readPassphrase(place, p, "Passphrase of the root key: ")
	if err != nil {
		return nil, err
	}
	return passphrase{secret, place}, nil
}

// readPassphrase returns a passphrase without the end of its line.
func readPassphrase(place string, p Prompt, question string) ([]byte, error) {
	if place == "prompt" {
		if p == nil {
			return nil, errors.New("there is no terminal to ask for the passphrase: give passphrase:" + secretPlaces)
		}
		return p(question)
	}
	text, err := readSecret("the passphrase", place)
	if err != nil {
		return nil, err
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(line) == 0 || bytes.ContainsAny(line, "\x00\r\n") || bytes.HasPrefix(line, []byte("\ufeff")) {
		clear(text)
		return nil, fmt.Errorf("the passphrase in %s is not one line of UTF-8 text", place)
	}
	return line, nil
}
