package keyfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// readJWK reads a JSON Web Key (RFC 7518, section 6; RFC 8812, section 3.1).
func (r *reader) readJWK(o object) (*File, error) {
	kty := o.text("kty")
	if kty == "oct" {
		octets, err := r.octets(o, "k")
		if err != nil {
			return nil, err
		}
		return &File{readings: []reading{{form: "JWK", octets: slices.Clone(octets)}}}, nil
	}
	var pkcs8 []byte
	var err error
	switch {
	case kty != "RSA" && kty != "EC":
		return nil, refuse("JWK type", short(kty), short(o.text("crv")))
	case o["d"] == nil:
		return nil, refuse("JWK without d")
	case kty == "RSA":
		pkcs8, err = r.rsaJWK(o)
	default:
		pkcs8, err = r.ecJWK(o)
	}
	if err != nil {
		return nil, err
	}
	return privateKey(pkcs8, "JWK")
}

// octets decodes a member in base64url (RFC 7515, section 2). It also accepts padding and the other alphabet.
func (r *reader) octets(o object, name string) ([]byte, error) {
	var quoted json.RawMessage = o[name]
	if len(quoted) < 2 || quoted[0] != '"' {
		return nil, fmt.Errorf("the JWK has no member %q that is text", name)
	}
	b := r.buffer(len(quoted))
	for _, e := range base64Encodings {
		if n, err := e.Decode(b, quoted[1:len(quoted)-1]); err == nil {
			return b[:n], nil
		}
	}
	return nil, fmt.Errorf("the member %q of the JWK is not base64url", name)
}

// number decodes a member that is a positive integer (RFC 7518, section 2).
func (r *reader) number(o object, name string) (*big.Int, error) {
	octets, err := r.octets(o, name)
	if err != nil {
		return nil, err
	}
	return new(big.Int).SetBytes(octets), nil
}

// rsaJWK returns the PKCS #8 of an RSA key. If the JWK has only the modulus and the exponents, rsaJWK recovers
// the primes and computes the other numbers.
func (r *reader) rsaJWK(o object) ([]byte, error) {
	if o["oth"] != nil {
		return nil, errors.New("the private key of the JWK has more than two primes")
	}
	numbers := make([]*big.Int, 8)
	for i, name := range []string{"n", "e", "d", "p", "q", "dp", "dq", "qi"} {
		if i > 2 && o[name] == nil {
			continue
		}
		var err error
		if numbers[i], err = r.number(o, name); err != nil {
			return nil, err
		}
	}
	defer wipe(numbers...)
	if slices.Contains(numbers, nil) {
		if err := complete(numbers); err != nil {
			return nil, err
		}
	}
	return rsaPKCS8(numbers), nil
}

// rsaPKCS8 returns the PKCS #8 of an RSA key: n, e, d, p, q, dp, dq and qi.
func rsaPKCS8(numbers []*big.Int) []byte {
	b := secretBuilder(5 * len(numbers[0].Bytes()))       // the other numbers are 3.5 times as long as the modulus
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // RSAPrivateKey (RFC 8017, appendix A.1.2)
		b.AddASN1Int64(0)
		for _, n := range numbers {
			b.AddASN1BigInt(n)
		}
	})
	privateKey := b.BytesOrPanic()
	defer clear(privateKey)
	return intoPKCS8(oidRSA, []byte{5, 0}, privateKey)
}

// ecJWK returns the PKCS #8 of an EC key. The octets of a scalar have the size of the curve (RFC 7518, section
// 6.2.1.2), but some programs strip zeros at the beginning.
func (r *reader) ecJWK(o object) ([]byte, error) {
	var c curve
	for _, known := range curves() {
		if slices.Contains(known.jwk, o.text("crv")) {
			c = known
		}
	}
	if c.spec == "" {
		return nil, refuse("JWK type", "EC", short(o.text("crv")))
	}
	octets := map[string][]byte{}
	for _, name := range []string{"d", "x", "y"} {
		b, err := r.octets(o, name)
		if err != nil {
			return nil, err
		}
		if b, err = pad(b, c.size); err != nil {
			return nil, fmt.Errorf("the member %q of the JWK has more than the %d bytes of the curve %s", name, c.size, c.jwk[0])
		}
		octets[name] = r.keep(b)
	}
	return c.pkcs8(octets["d"], slices.Concat([]byte{4}, octets["x"], octets["y"])), nil
}
