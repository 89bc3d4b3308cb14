package byok

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// A PrivateKey is the material of an asymmetric key.
type PrivateKey struct {
	KeySpec   string // by the name of the API: RSA_2048, ECC_NIST_P256, ...
	Material  []byte // PKCS #8 in DER, which is what is wrapped
	PublicKey []byte // DER SubjectPublicKeyInfo, as GetPublicKey returns it
	Form      string // how it was written, for people: "PEM, SEC 1"
}

// Errors of [ReadPrivateKey].
var (
	// ErrNoPrivateKey says that a content is nothing that private keys are written
	// in. It may be other key material.
	ErrNoPrivateKey = errors.New("byok: it is no private key: none in PEM, DER or JWK")

	// ErrPassphrase says that a private key does not open with a passphrase.
	ErrPassphrase = errors.New("byok: the private key does not open with this passphrase, or is damaged")
)

// ReadPrivateKey reads the private key that a file holds, and finds out how it is
// written: PEM or DER of PKCS #8, PKCS #1 or SEC 1, or a JSON Web Key. If it is
// encrypted, passphrase is called for the passphrase, which is cleared.
//
// The key is validated as the server validates it, so what is wrong with it comes out
// here, where it can be said: the server says only that it is not acceptable. No error
// holds any of the content. The caller clears the Material, and the content.
func ReadPrivateKey(content []byte, passphrase func() ([]byte, error)) (*PrivateKey, error) {
	pkcs8, form, err := toPKCS8(content, passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(pkcs8)
	k, err := parsePrivateKey("", pkcs8)
	if err != nil {
		return nil, err
	}
	k.Form = form
	return k, nil
}

// parsePrivateKey validates PKCS #8 of a spec, or of the one that it is of.
func parsePrivateKey(spec string, pkcs8 []byte) (*PrivateKey, error) {
	if spec == "" {
		var err error
		if spec, err = privatekey.SpecOf(pkcs8); err != nil {
			return nil, fmt.Errorf("byok: %w", err)
		}
	}
	k, err := privatekey.Parse(spec, pkcs8)
	if err != nil {
		return nil, fmt.Errorf("byok: %w", err)
	}
	return &PrivateKey{KeySpec: k.Spec, Material: k.PKCS8, PublicKey: k.PublicKey}, nil
}

// toPKCS8 returns a private key as PKCS #8 in DER, not validated yet, in bytes of its
// own, and how it was written.
func toPKCS8(content []byte, passphrase func() ([]byte, error)) (pkcs8 []byte, form string, err error) {
	text := bytes.TrimSpace(content)
	switch {
	case bytes.Contains(text, []byte("-----BEGIN ")):
		der, blocks, err := privateBlock(text, passphrase)
		if err != nil {
			return nil, "", err
		}
		defer clear(der)
		pkcs8, form, err = fromDER(der, passphrase)
		return pkcs8, "PEM, " + blocks + form, err
	case len(text) > 0 && text[0] == '{':
		pkcs8, err = fromJWK(text)
		return pkcs8, "JWK", err
	}
	pkcs8, form, err = fromDER(content, passphrase)
	return pkcs8, "DER, " + form, err
}
