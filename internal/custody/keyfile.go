package custody

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/seal"
)

// keyFilePrefix begins a root key file, to identify its content.
const keyFilePrefix = "keyhold-root-key-v1:"

// keySize is the size in bytes of the key in a root key file.
const keySize = 32

// createKeyFile generates a key and writes it to a new file: one line of text, mode 0600, synced to disk. It fails if
// the file exists.
func createKeyFile(path string, _ Prompt) (seal.Root, error) {
	if strings.HasPrefix(path, "credential:") || strings.HasPrefix(path, "fd:") {
		return nil, fmt.Errorf("a root key file is made at a path, not at %s: make it at a path first", path)
	}
	key := make([]byte, keySize)
	rand.Read(key)               // never fails: the program ends first (crypto/rand)
	text := make([]byte, 0, 128) // has room for all, because growing would leave copies in memory
	text = base64.StdEncoding.AppendEncode(append(text, keyFilePrefix...), key)
	text = append(text, '\n')
	defer clear(text)
	if err := durable.CreateFile(path, text); err != nil {
		clear(key)
		return nil, fmt.Errorf("create the root key file: %w", err)
	}
	return keyFile{seal.NewRoot(KeyFileKind, key), path}, nil
}

// openKeyFile returns the Root of a file that createKeyFile wrote. It refuses a file that others may read or change.
func openKeyFile(place string, _ Prompt) (seal.Root, error) {
	key, err := readKeyFile(place)
	if err != nil {
		return nil, err
	}
	return keyFile{seal.NewRoot(KeyFileKind, key), place}, nil
}

// readKeyFile returns the key in a root key file.
func readKeyFile(place string) ([]byte, error) {
	text, err := readSecret("the root key file", place)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	encoded, ok := bytes.CutPrefix(bytes.TrimSuffix(text, []byte("\n")), []byte(keyFilePrefix))
	key, err := base64.StdEncoding.Strict().AppendDecode(nil, encoded)
	if !ok || err != nil || len(key) != keySize || bytes.ContainsAny(encoded, "\r\n") {
		return nil, fmt.Errorf("%s is not a root key file: it must be one line of %q and 32 bytes in base64", place,
			keyFilePrefix)
	}
	return key, nil
}

// A keyFile has the key of a root key file.
type keyFile struct {
	seal.Root
	place string
}

// check reports whether the file still has the key.
func (f keyFile) check() error {
	if !canReadAgain(f.place) {
		return nil
	}
	key, err := readKeyFile(f.place)
	if err != nil {
		return fmt.Errorf("%w: restore the file from your copy", err)
	}
	defer clear(key)
	if seal.NewRoot(KeyFileKind, key).ID() != f.ID() {
		return fmt.Errorf("%s has another key now: restore the file from your copy", f.place)
	}
	return nil
}
