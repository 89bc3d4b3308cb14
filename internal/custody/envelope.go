package custody

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"

	"github.com/keyhold/keyhold/internal/seal"
)

// A device wraps keys of 32 bytes outside the memory of this process. unwrapKey returns seal.ErrOpen for
// a wrapped key that does not open. A device need not authenticate the context.
type device interface {
	ID() string
	wrapKey(ctx context.Context, key []byte, context string) ([]byte, error)
	unwrapKey(ctx context.Context, wrapped []byte, context string) ([]byte, error)
}

// An envelope is the Root of a device. It encrypts each secret under a new key, and only the new key goes to the
// device. So the device never has the secret, takes secrets of any size, and the context is always authenticated.
type envelope struct{ device }

// A wrapped secret is 1, the size of the wrapped key (2 bytes, big-endian), the wrapped key, and the secret as by a key
// file with the key.
const (
	envelopeFormat = 1
	envelopeHeader = 1 + 2
)

func (e envelope) Wrap(ctx context.Context, secret []byte, context string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: the program ends first (crypto/rand)
	defer clear(key)
	outer, err := e.wrapKey(ctx, key, context)
	if err != nil {
		return nil, err
	}
	inner, err := seal.NewRoot("", key).Wrap(ctx, secret, context)
	if err != nil {
		return nil, err
	}
	header := binary.BigEndian.AppendUint16([]byte{envelopeFormat}, uint16(len(outer)))
	return slices.Concat(header, outer, inner), nil
}

func (e envelope) Unwrap(ctx context.Context, wrapped []byte, context string) ([]byte, error) {
	if len(wrapped) < envelopeHeader || wrapped[0] != envelopeFormat {
		return nil, seal.ErrOpen
	}
	size := int(binary.BigEndian.Uint16(wrapped[1:]))
	rest := wrapped[envelopeHeader:]
	if size == 0 || size > len(rest) {
		return nil, seal.ErrOpen
	}
	key, err := e.unwrapKey(ctx, rest[:size], context)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if len(key) != keySize {
		return nil, seal.ErrOpen
	}
	return seal.NewRoot("", key).Unwrap(ctx, rest[size:], context)
}
