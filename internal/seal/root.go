package seal

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// A Root has custody of a root key. Wrap and Unwrap take secrets of a few dozen bytes. context is authenticated
// together with the secret, and Unwrap fails if its context is different. Unwrap returns ErrOpen if the wrapped secret
// does not open, and other errors if the custody fails.
type Root interface {
	// ID names the custody: its kind, and what tells it from others of its kind. It is not secret.
	ID() string
	Wrap(ctx context.Context, secret []byte, context string) ([]byte, error)
	Unwrap(ctx context.Context, wrapped []byte, context string) ([]byte, error)
}

// rootPurpose separates the use of a root key for wrapping from all other uses.
const rootPurpose = "keyhold root v1"

// A localRoot is a key in the memory of this process.
type localRoot struct {
	kind string
	key  []byte
}

// NewRoot returns a Root that wraps with a key of 32 bytes in the memory of this process. kind is where the key comes
// from.
func NewRoot(kind string, key []byte) Root { return localRoot{kind, key} }

// ID has 64 bits that are derived from the key.
func (r localRoot) ID() string {
	id, err := hkdf.Key(sha256.New, r.key, nil, "keyhold custody id v1", 8)
	if err != nil {
		panic(err) // impossible with SHA-256 and 8 bytes
	}
	return r.kind + ":" + hex.EncodeToString(id)
}

// NewEphemeralRoot returns a Root with a new key that is lost when the process ends, for servers that store
// nothing.
func NewEphemeralRoot() Root { return NewRoot("memory", randomBytes(keySize)) }

func (r localRoot) Wrap(_ context.Context, secret []byte, context string) ([]byte, error) {
	salt := randomBytes(saltSize)
	aead, err := derivedAEAD(r.key, salt, rootPurpose)
	if err != nil {
		return nil, err
	}
	return aead.Seal(salt, nil, secret, []byte(context)), nil
}

func (r localRoot) Unwrap(_ context.Context, wrapped []byte, context string) ([]byte, error) {
	if len(wrapped) < saltSize {
		return nil, ErrOpen
	}
	aead, err := derivedAEAD(r.key, wrapped[:saltSize], rootPurpose)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, nil, wrapped[saltSize:], []byte(context))
	if err != nil {
		return nil, ErrOpen
	}
	return secret, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: the program ends first (crypto/rand)
	return b
}
