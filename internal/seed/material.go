package seed

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// maxMACKey is the maximum size of the material of an HMAC key, in bytes. Source: developer
// guide, "Requirements for imported key material".
const maxMACKey = 128

// sizes are the minimum and maximum sizes, in bytes, of material without inner structure, by key spec.
var sizes = map[string]struct{ least, most int }{
	"SYMMETRIC_DEFAULT": {32, 32},
	"HMAC_224":          {28, maxMACKey},
	"HMAC_256":          {32, maxMACKey},
	"HMAC_384":          {48, maxMACKey},
	"HMAC_512":          {64, maxMACKey},
}

// parseMaterial reads the material of a key of the spec: bytes in hexadecimal or base64, or a
// private key. The problem contains nothing of the material.
func parseMaterial(spec, text string) (material []byte, problem string) {
	if size, ok := sizes[spec]; ok {
		return parseBytes(text, size.least, size.most)
	}
	if !privatekey.Known(spec) {
		return nil, fmt.Sprintf("only the server generates material of the spec %s: remove material", spec)
	}
	return parsePrivateKey(spec, text)
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

// parsePrivateKey reads a private key in PEM or base64 of DER, in both cases PKCS #8.
func parsePrivateKey(spec, text string) (material []byte, problem string) {
	const remedy = "`openssl pkcs8 -topk8 -nodes -in FILE` prints a private key as it must be written here, between " +
		"''' and '''"
	var der []byte
	if block, rest := pem.Decode([]byte(text)); block != nil {
		if block.Type != "PRIVATE KEY" || strings.TrimSpace(string(rest)) != "" {
			return nil, "it is not one PEM block PRIVATE KEY: " + remedy
		}
		der = block.Bytes
	} else {
		var err error
		if der, err = base64.StdEncoding.Strict().DecodeString(text); err != nil {
			return nil, "it is neither PEM nor base64: " + remedy
		}
	}
	k, err := privatekey.Parse(spec, der)
	if err != nil {
		return nil, fmt.Sprintf("%v: give a private key of the spec %s; %s", err, spec, remedy)
	}
	return k.PKCS8, ""
}
