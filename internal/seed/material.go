package seed

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/keyfile"
	"github.com/keyhold/keyhold/internal/privatekey"
)

// parseMaterial reads the material of a key of the spec: bytes in hexadecimal or base64, or a
// private key in any form that keyhold import reads. The problem repeats nothing of the material.
func parseMaterial(spec, text string) (material []byte, problem string) {
	if privatekey.Known(spec) {
		return parsePrivateKey(spec, text)
	}
	least, most, err := keyfile.Sizes(spec)
	if err != nil {
		return nil, fmt.Sprintf("only the server generates material of the spec %s: remove material", spec)
	}
	return parseBytes(text, least, most)
}

// parseBytes reads hexadecimal digits or base64. The base64 of 32 bytes ends with "=" and is therefore not
// hexadecimal. Text that is valid in both forms is read as hexadecimal digits.
func parseBytes(text string, least, most int) (material []byte, problem string) {
	allowed := fmt.Sprint(least)
	if most > least {
		allowed = fmt.Sprintf("%d to %d", least, most)
	}
	remedy := fmt.Sprintf("give %s bytes: %d hexadecimal digits, or base64 as `openssl rand -base64 %d` prints it",
		allowed, 2*least, least)
	material, err := hex.DecodeString(text)
	if err != nil {
		material, err = base64.StdEncoding.Strict().DecodeString(text)
	}
	switch n := len(material); {
	case err != nil:
		return nil, "it is neither hexadecimal digits nor base64: " + remedy
	case n < least || n > most:
		return nil, fmt.Sprintf("it has %d bytes, not %s: %s", n, allowed, remedy)
	}
	return material, ""
}

// parsePrivateKey reads a private key that is not encrypted.
func parsePrivateKey(spec, text string) (material []byte, problem string) {
	f, err := keyfile.Read([]byte(text), func() ([]byte, error) { return nil, errEncrypted })
	if err != nil {
		return nil, err.Error()
	}
	defer f.Clear()
	m, err := f.Material(spec)
	if err != nil {
		return nil, err.Error()
	}
	return m.Bytes, ""
}

var errEncrypted = errors.New("the private key is encrypted, and a seed file has no passphrase: " +
	"`openssl pkey -in FILE` prints the key without encryption")
