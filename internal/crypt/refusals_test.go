package crypt

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"os"
	"strings"
	"testing"
)

// A private key on secp256k1 is refused with the reason.
func TestRefusedSecp256k1(t *testing.T) {
	der, err := os.ReadFile("../privatekey/testdata/ec-secp256k1.der")
	if err != nil {
		t.Fatal(err)
	}
	change := func(outer func(*privateKeyInfo), inner func(*ecPrivateKey)) []byte {
		var o privateKeyInfo
		var i ecPrivateKey
		if err := errors.Join(unmarshalDER(der, &o), unmarshalDER(o.PrivateKey, &i)); err != nil {
			t.Fatal(err)
		}
		if inner != nil {
			inner(&i)
			if o.PrivateKey, err = asn1.Marshal(i); err != nil {
				t.Fatal(err)
			}
		}
		if outer != nil {
			outer(&o)
		}
		changed, err := asn1.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	p256 := asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	named := func(i *ecPrivateKey) { i.Parameters = oidSecp256k1 }
	for name, test := range map[string]struct {
		der  []byte
		want string
	}{
		"sound":               {change(nil, nil), ""},
		"named twice":         {change(nil, named), ""},
		"no public key":       {change(nil, func(i *ecPrivateKey) { i.PublicKey = asn1.BitString{} }), ""},
		"no curve":            {change(func(o *privateKeyInfo) { o.Algorithm.Parameters = asn1.RawValue{FullBytes: []byte{5, 0}} }, nil), "the curve is not named"},
		"another algorithm":   {change(func(o *privateKeyInfo) { o.Algorithm.Algorithm = p256 }, nil), "a private key of another kind"},
		"another inner curve": {change(nil, func(i *ecPrivateKey) { i.Parameters = p256 }), "an ECPrivateKey of another kind"},
		"version 2":           {change(nil, func(i *ecPrivateKey) { i.Version = 2 }), "an ECPrivateKey of another kind"},
		"31 bytes":            {change(nil, func(i *ecPrivateKey) { i.PrivateKey = i.PrivateKey[1:] }), "not in the range"},
		"33 bytes":            {change(nil, func(i *ecPrivateKey) { i.PrivateKey = append([]byte{0}, i.PrivateKey...) }), "not in the range"},
		"zero":                {change(nil, func(i *ecPrivateKey) { clear(i.PrivateKey) }), "not in the range"},
		"too large":           {change(nil, func(i *ecPrivateKey) { i.PrivateKey = bytes.Repeat([]byte{0xff}, 32) }), "not in the range"},
		"another scalar":      {change(nil, func(i *ecPrivateKey) { i.PrivateKey[31] ^= 1 }), "the public key does not match"},
		"no point":            {change(nil, func(i *ecPrivateKey) { i.PublicKey = bitString([]byte{4}) }), "the public key does not match"},
		"more":                {append(change(nil, nil), 0), "malformed DER"},
	} {
		k, err := parseSecp256k1(test.der)
		if test.want == "" && (err != nil || k == nil) || test.want != "" && (k != nil || err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// Material that RSAES_OAEP encrypted is as long as the modulus.
func TestDirectSize(t *testing.T) {
	for _, test := range []struct {
		algorithm, spec string
		want            int
	}{
		{"RSAES_OAEP_SHA_1", "RSA_2048", 256}, {"RSAES_OAEP_SHA_256", "RSA_3072", 384}, {"RSAES_OAEP_SHA_256", "RSA_4096", 512},
		{"RSA_AES_KEY_WRAP_SHA_256", "RSA_4096", 0}, {"RSAES_OAEP_SHA_256", "X", 0}, {"X", "RSA_2048", 0},
	} {
		if got := DirectSize(test.algorithm, test.spec); got != test.want {
			t.Errorf("%s under %s: %d, want %d", test.algorithm, test.spec, got, test.want)
		}
	}
}

// BadMaterial shows its cause.
func TestTextOfBadMaterial(t *testing.T) {
	cause := errors.New("cause")
	if err := error(&BadMaterial{Cause: cause}); err.Error() != "bad key material: cause" || !errors.Is(err, cause) {
		t.Error(err)
	}
}
