package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/guarded"
)

// A Root has custody of a root key. Wrap and Unwrap take secrets of a few dozen bytes. context is authenticated
// together with the secret, and Unwrap fails if its context is different.
type Root interface {
	Wrap(ctx context.Context, secret []byte, context string) ([]byte, error)
	Unwrap(ctx context.Context, wrapped []byte, context string) ([]byte, error)
}

// rootPurpose separates the use of a root key for wrapping from all other uses.
const rootPurpose = "keyhold root v1"

// A localRoot is a root key in the memory of this process.
type localRoot struct{ key []byte }

// NewEphemeralRoot returns a Root with a new key that is lost when the process ends, for servers that store
// nothing.
func NewEphemeralRoot() Root { return localRoot{randomBytes(keySize)} }

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
		return nil, errOpen
	}
	aead, err := derivedAEAD(r.key, wrapped[:saltSize], rootPurpose)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, nil, wrapped[saltSize:], []byte(context))
	if err != nil {
		return nil, errOpen
	}
	return secret, nil
}

// keyFilePrefix begins a root key file, to identify its content.
const keyFilePrefix = "keyhold-root-key-v1:"

// CreateKeyFile generates a root key and writes it to a new file: one line of text, mode 0600, synced to disk.
// It fails if the file exists.
func CreateKeyFile(path string) error {
	key := randomBytes(keySize)
	defer clear(key)
	text := make([]byte, 0, 128) // has room for all, because growing would leave copies in memory
	text = base64.StdEncoding.AppendEncode(append(text, keyFilePrefix...), key)
	text = append(text, '\n')
	defer clear(text)
	if err := durable.CreateFile(path, text); err != nil {
		return fmt.Errorf("create the root key file: %w", err)
	}
	return nil
}

// maxKeyFile is a size in bytes larger than any root key file.
const maxKeyFile = 4 << 10

// OpenKeyFile returns the Root of a key file that CreateKeyFile wrote. It refuses a file that others may read
// or change.
func OpenKeyFile(path string) (Root, error) {
	text, err := guarded.ReadSecret("the root key file", path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	encoded, ok := bytes.CutPrefix(bytes.TrimSuffix(text, []byte("\n")), []byte(keyFilePrefix))
	key, err := base64.StdEncoding.Strict().AppendDecode(nil, encoded)
	if !ok || err != nil || len(key) != keySize || bytes.ContainsAny(encoded, "\r\n") {
		return nil, fmt.Errorf("%s is not a root key file: it must be one line of %q and 32 bytes in base64", path,
			keyFilePrefix)
	}
	return localRoot{key}, nil
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: the program ends first (crypto/rand)
	return b
}
