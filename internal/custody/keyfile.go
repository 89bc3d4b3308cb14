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
	return seal.NewRoot(KeyFileKind, key), nil
}

// openKeyFile returns the Root of a file that createKeyFile wrote. It refuses a file that others may read or change.
func openKeyFile(place string, _ Prompt) (seal.Root, error) {
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
	return seal.NewRoot(KeyFileKind, key), nil
}
