package byok

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/keyfile"
)

// ErrPassphrase is the error of [ReadOriginal] if the passphrase does not decrypt the private key.
var ErrPassphrase = keyfile.ErrPassphrase

// An Original is the key material of a file that [ReadOriginal] recognised. Bytes can be material
// for keys of several specs, and the meaning of text depends on the size of the key's material.
type Original struct{ file *keyfile.File }

// A Material is the material for a key of one spec.
type Material struct {
	KeySpec   string // the API's name: SYMMETRIC_DEFAULT, RSA_2048, ...
	Bytes     []byte // the bytes to wrap; for a private key, PKCS #8 in DER
	PublicKey []byte // of a private key, DER SubjectPublicKeyInfo, as GetPublicKey returns it; otherwise nil
	Form      string // how the file contains it, shown to users: "hexadecimal", "PEM, SEC 1"
	Doubt     string // another possible meaning of the file, shown to users, or ""
}

// ReadOriginal recognises the format of a file of key material: bytes, raw or in hexadecimal, base64 or a JSON Web
// Key, or a private key in PEM, DER or a JSON Web Key. docs/import-files.md lists the formats. If a private key is
// encrypted, passphrase is called for the passphrase, which is cleared.
//
// ReadOriginal validates a private key as the server does. The server says only that a key is not acceptable;
// ReadOriginal says why. The error for a file that it cannot read says what the file is, and what its owner
// can do. Errors contain nothing of the content. The caller clears the content and the Original.
func ReadOriginal(content []byte, passphrase func() ([]byte, error)) (*Original, error) {
	f, err := keyfile.Read(content, passphrase)
	if err != nil {
		return nil, fmt.Errorf("byok: %w", err)
	}
	return &Original{f}, nil
}

// KeySpec returns the spec of a private key, or "" for bytes.
func (o *Original) KeySpec() string { return o.file.KeySpec() }

// Material returns the material for a key of the spec. The caller clears the bytes.
func (o *Original) Material(keySpec string) (*Material, error) {
	m, err := o.file.Material(keySpec)
	if err != nil {
		return nil, fmt.Errorf("byok: %w", err)
	}
	return &Material{KeySpec: keySpec, Bytes: m.Bytes, PublicKey: m.PublicKey, Form: m.Form, Doubt: m.Doubt}, nil
}

// Text converts a file without key material to UTF-8 without a byte order mark, because Notepad
// writes a byte order mark, and PowerShell writes UTF-16. A file that is not text is returned
// unchanged.
func Text(content []byte) []byte { return keyfile.Text(content) }

// Clear erases the material.
func (o *Original) Clear() { o.file.Clear() }
