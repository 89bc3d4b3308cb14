package byok

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// A jwk is a JSON Web Key (RFC 7517), as its members are written. They are kept as
// bytes, which can be cleared, as texts cannot.
type jwk map[string]json.RawMessage

// parseJWK reads a JSON object with each member once. What is no JSON object is
// ErrNoPrivateKey.
func parseJWK(text []byte) (jwk, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, ErrNoPrivateKey
	}
	k := jwk{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, ErrNoPrivateKey
		}
		if k[name] != nil {
			return nil, fmt.Errorf("byok: the JWK has the member %q twice", name)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, ErrNoPrivateKey
		}
		k[name] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, ErrNoPrivateKey
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("byok: something follows the JWK")
	}
	return k, nil
}

func (k jwk) clear() {
	for _, value := range k {
		clear(value)
	}
}

// text returns a member that is plain text.
func (k jwk) text(name string) string {
	var s string
	if json.Unmarshal(k[name], &s) != nil {
		return ""
	}
	return s
}

// octets returns a member that is base64url without padding (RFC 7515, section 2).
func (k jwk) octets(name string) ([]byte, error) {
	quoted := k[name]
	if len(quoted) < 2 || quoted[0] != '"' {
		return nil, fmt.Errorf("byok: the JWK has no member %q that is text", name)
	}
	e := base64.RawURLEncoding.Strict()
	b := make([]byte, e.DecodedLen(len(quoted)-2))
	n, err := e.Decode(b, quoted[1:len(quoted)-1])
	if err != nil {
		clear(b)
		return nil, fmt.Errorf("byok: the member %q of the JWK is not base64url without padding", name)
	}
	return b[:n], nil
}

// fromJWK returns the PKCS #8 of a JWK with a private key (RFC 7518, sections 6.2 and
// 6.3; RFC 8812, section 3.1).
func fromJWK(text []byte) ([]byte, error) {
	k, err := parseJWK(text)
	if err != nil {
		return nil, err
	}
	defer k.clear()
	switch kty := k.text("kty"); {
	case kty == "":
		return nil, errors.New("byok: the JSON object is no JWK, as it has no kty")
	case kty == "oct":
		return nil, ErrNoPrivateKey
	case k["d"] == nil:
		return nil, errors.New("byok: the JWK has no private key, which would be its member d")
	case kty == "RSA":
		return k.rsa()
	case kty == "EC":
		return k.ec()
	default:
		return nil, fmt.Errorf("byok: a JWK of the type %q is not supported", kty)
	}
}

// fromOct returns the bytes of a JWK of the type oct.
func fromOct(text []byte, size int) ([]byte, error) {
	k, err := parseJWK(text)
	switch {
	case err == ErrNoPrivateKey:
		return nil, errors.New("byok: it begins as a JWK, but is none")
	case err != nil:
		return nil, err
	}
	defer k.clear()
	if kty := k.text("kty"); kty != "oct" {
		return nil, fmt.Errorf("byok: the JWK is of the type %q, not oct", kty)
	}
	material, err := k.octets("k")
	if err == nil && len(material) != size {
		clear(material)
		return nil, fmt.Errorf("byok: the JWK has %d bytes, which are no key material of %d bytes", len(material), size)
	}
	return material, err
}

func (k jwk) rsa() ([]byte, error) {
	if k["oth"] != nil {
		return nil, errors.New("byok: the private key of the JWK has more than two primes")
	}
	var b cryptobyte.Builder
	var err error
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // RSAPrivateKey (RFC 8017, appendix A.1.2)
		b.AddASN1Int64(0)
		for _, name := range []string{"n", "e", "d", "p", "q", "dp", "dq", "qi"} {
			octets, wrong := k.octets(name)
			if err == nil {
				err = wrong
			}
			b.AddASN1BigInt(new(big.Int).SetBytes(octets))
			clear(octets)
		}
	})
	privateKey, buildErr := b.Bytes()
	defer clear(privateKey)
	if err := errors.Join(err, buildErr); err != nil {
		return nil, err
	}
	return intoPKCS8(oidRSA, []byte{5, 0}, privateKey)
}

func (k jwk) ec() ([]byte, error) {
	curve, ok := map[string]asn1.ObjectIdentifier{
		"P-256":     {1, 2, 840, 10045, 3, 1, 7},
		"P-384":     {1, 3, 132, 0, 34},
		"P-521":     {1, 3, 132, 0, 35},
		"secp256k1": {1, 3, 132, 0, 10},
	}[k.text("crv")]
	if !ok {
		return nil, fmt.Errorf("byok: a JWK on the curve %q is not supported", k.text("crv"))
	}
	d, err1 := k.octets("d")
	x, err2 := k.octets("x")
	y, err3 := k.octets("y")
	defer clear(d)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	var b, named cryptobyte.Builder
	named.AddASN1ObjectIdentifier(curve)
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // ECPrivateKey (RFC 5915, section 3)
		b.AddASN1Int64(1)
		b.AddASN1OctetString(d)
		b.AddASN1(tag.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1BitString(append(append([]byte{4}, x...), y...))
		})
	})
	privateKey, err := b.Bytes()
	defer clear(privateKey)
	if err != nil {
		return nil, err
	}
	return intoPKCS8(oidEC, named.BytesOrPanic(), privateKey)
}
