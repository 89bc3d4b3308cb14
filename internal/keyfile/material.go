package keyfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// A Material is the material for a key of one spec.
type Material struct {
	Form      string // shown to users, such as "PEM, SEC 1"
	Bytes     []byte // for a private key, PKCS #8 in DER
	PublicKey []byte // of a private key, DER SubjectPublicKeyInfo
	Doubt     string // shown to users: another possible meaning of the file, or ""
}

// Material returns the material for a key of the spec. The caller clears the bytes.
func (f *File) Material(keySpec string) (*Material, error) {
	if privatekey.Known(keySpec) {
		return f.privateKey(keySpec)
	}
	least, most, err := Sizes(keySpec)
	switch {
	case err != nil:
		return nil, err
	case f.key != nil:
		return nil, fmt.Errorf("it is a private key of the spec %s, and the key is of the spec %s", f.key.Spec, keySpec)
	case f.newline && f.endsWithNewline(least):
		return nil, fmt.Errorf("it has %d bytes and a newline, which an editor or echo may have added: "+
			"take the newline off: head -c %d FILE | keyhold import KEY --from - --expires 90d", least, least)
	}
	for _, r := range f.readings {
		if n := len(r.octets); n < least || n > most || r.weak && f.newline {
			continue
		}
		return &Material{Form: r.form, Bytes: bytes.Clone(r.octets), Doubt: f.doubt(r, least, most)}, nil
	}
	return nil, f.unfit(keySpec, least, most)
}

// endsWithNewline reports whether the file is raw and ends with a newline after bytes of the given size. One in
// 256 random files of this length ends so by chance.
func (f *File) endsWithNewline(size int) bool {
	if len(f.readings) != 1 {
		return false
	}
	r := f.readings[0]
	return !r.weak && r.form == "raw" && len(r.octets) == size+1
}

const characters = "tr -d '\\r\\n' < FILE | xxd -p | keyhold import KEY --from - --expires 90d"

// doubt returns another possible meaning of the file, after reading r was chosen, or "".
func (f *File) doubt(r reading, least, most int) string {
	printable := !bytes.ContainsFunc(r.octets, func(c rune) bool { return c < ' ' || c > '~' })
	switch {
	case r.form == walletHex:
		return "wallets write private keys so: for a key on secp256k1, give --key-spec ECC_SECG_P256K1"
	case r.form == "raw" && printable:
		return "all of these bytes are printable text, which random bytes are not: is this really the material?"
	case least != most && r.form != "raw" && f.characters > 0 && f.characters <= most:
		return fmt.Sprintf("if the %d characters themselves are the key: %s", f.characters, characters)
	}
	return ""
}

// unfit returns the error for a file without material of the right size. The error describes the content of the
// file.
func (f *File) unfit(keySpec string, least, most int) error {
	var found []string
	for _, r := range f.readings {
		if !r.weak {
			found = append(found, fmt.Sprintf("%d bytes (%s)", len(r.octets), r.form))
		}
	}
	if len(found) == 0 {
		found = []string{fmt.Sprintf("text of %d characters, neither hexadecimal nor base64", f.characters)}
	}
	sizes := fmt.Sprintf("%d bytes", least)
	if most != least {
		sizes = fmt.Sprintf("%d to %d bytes", least, most)
	}
	text := fmt.Sprintf("it is %s, and a key of the spec %s takes %s, raw, in hexadecimal or in base64",
		strings.Join(found, " or "), keySpec, sizes)
	if f.characters >= least && f.characters <= most {
		text += fmt.Sprintf("; if the %d characters themselves are the key: %s", f.characters, characters)
	}
	return errors.New(text)
}

// privateKey returns the private key of the file. If the file holds bytes, these may be a private scalar.
func (f *File) privateKey(keySpec string) (*Material, error) {
	if f.key != nil {
		if f.key.Spec != keySpec {
			return nil, fmt.Errorf("it is a private key of the spec %s, and the key is of the spec %s", f.key.Spec, keySpec)
		}
		return &Material{Form: f.form, Bytes: bytes.Clone(f.key.PKCS8), PublicKey: f.key.PublicKey}, nil
	}
	size, isEC := scalarSize(keySpec)
	for _, r := range f.readings {
		if !isEC || len(r.octets) != size || r.weak {
			continue
		}
		k, err := fromScalar(keySpec, r.octets)
		if err != nil {
			return nil, err
		}
		return &Material{
			Form: "private scalar, " + r.form, Bytes: k.PKCS8, PublicKey: k.PublicKey,
			Doubt: "any bytes of this size are a private key: compare its public key, " + compressPoint(k.PublicKey, size),
		}, nil
	}
	return nil, f.noPrivateKey(keySpec, size, isEC)
}

func (f *File) noPrivateKey(keySpec string, size int, isEC bool) error {
	text := fmt.Sprintf("it holds no private key, and a key of the spec %s wants one in PEM, DER or JWK", keySpec)
	if isEC {
		text += fmt.Sprintf(", or its private scalar of %d bytes in hexadecimal", size)
	}
	return errors.New(text)
}

// compressPoint returns the point of a public key in hexadecimal, as wallets show it (SEC 1, section 2.3.3).
func compressPoint(spki []byte, size int) string {
	x, y := spki[len(spki)-2*size:len(spki)-size], spki[len(spki)-1]
	return hex.EncodeToString(append([]byte{2 + y&1}, x...))
}
