package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/keyhold/keyhold/internal/secrettest"
)

// The scalar 1 gives the base point of its curve (SEC 2, sections 2.4.1, 2.4.2, 2.5.1 and 2.6.1), in compressed form.
func TestPublicKeysOfOne(t *testing.T) {
	for spec, c := range map[string]struct {
		size  int
		point string
	}{
		"ECC_SECG_P256K1": {32, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"},
		"ECC_NIST_P256":   {32, "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"},
		"ECC_NIST_P384": {48, "03aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c" +
			"3a545e3872760ab7"},
		"ECC_NIST_P521": {66, "0200c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc1" +
			"27a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66"},
	} {
		want := "private scalar, hexadecimal: any bytes of this size are a private key: compare its public key, " + c.point
		if got := readText(strings.Repeat("00", c.size-1)+"01", spec); got != want {
			t.Errorf("%s: %s", spec, got)
		}
	}
}

// Keys on each curve are read from PKCS #8, from SEC 1, and from PKCS #8 whose scalar lacks zeros or has one more.
func TestEachCurve(t *testing.T) {
	for name, spec := range map[string]string{
		"ec-P-256": "ECC_NIST_P256", "ec-P-384": "ECC_NIST_P384", "ec-P-521": "ECC_NIST_P521", "ec-secp256k1": "ECC_SECG_P256K1",
	} {
		der := fixture(t, name)
		outer := fromDER[pkcs8Numbers](t, der)
		inner := fromDER[ecNumbers](t, outer.Key)
		var algorithm []asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(outer.Algorithm.FullBytes, &algorithm); err != nil {
			t.Fatal(err)
		}
		sec1 := inner
		sec1.Curve = algorithm[1]
		longer := inner
		longer.Scalar = append([]byte{0}, inner.Scalar...)
		outer.Key = toDER(t, longer)
		noPoint := inner
		noPoint.Point = asn1.BitString{}
		without := fromDER[pkcs8Numbers](t, der)
		without.Key = toDER(t, noPoint)
		want, err := read(der, spec)
		if err != nil {
			t.Fatal(err)
		}
		parameters := toDER(t, algorithm[1])
		if _, err := Read(intoPKCS8(oidRSA, parameters, toDER(t, longer)), nil); err == nil {
			t.Errorf("%s: a key of RSA with a curve is read", name)
		}
		if _, err := Read(intoPKCS8(oidEC, parameters, append(toDER(t, longer), 5, 0)), nil); err == nil {
			t.Errorf("%s: a key with something after it is read", name)
		}
		replaced := toDER(t, outer)
		whole := withWholeScalar(replaced)
		if !bytes.Equal(replaced, make([]byte, len(replaced))) || len(whole) == 0 {
			t.Errorf("%s: the PKCS #8 that was replaced is not cleared", name)
		}
		for form, content := range map[string][]byte{"DER, SEC 1": toDER(t, sec1), "DER, PKCS #8": toDER(t, outer), "without": toDER(t, without)} {
			got, err := read(content, spec)
			if err != nil || !bytes.Equal(got.Bytes, want.Bytes) || got.Form != form && form != "without" {
				t.Errorf("%s, %s: %v", name, form, err)
			}
		}
		for at := range inner.Scalar[1:] { // scalars with zeros at the beginning, which are missing
			short := inner
			short.Point = asn1.BitString{}
			whole := short
			whole.Scalar = append(make([]byte, at+1), inner.Scalar[at+1:]...)
			short.Scalar = whole.Scalar[at+1:]
			outer.Key, without.Key = toDER(t, short), toDER(t, whole)
			want, err := read(toDER(t, without), spec)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := read(toDER(t, outer), spec); err != nil || !bytes.Equal(got.Bytes, want.Bytes) {
				t.Errorf("%s without %d zeros: %v", name, at+1, err)
			}
		}
	}
}

// The kind of a structure follows from its first members.
func TestKindsOfDER(t *testing.T) {
	for der, want := range map[string]string{
		"300b06092a864886f70d010702":                   "PKCS #7",
		"300b06092a864886f70d010703":                   "PKCS #7",
		"300a06082a864886f70d0107":                     "", // the arc itself
		"300c060a2a864886f70d01070102":                 "", // below a content type
		"300b06092a864886f70d010902":                   "",
		"3010020103300b06092a864886f70d010701":         "PKCS #12",
		"3012020103300b06092a864886f70d0107013000":     "PKCS #12",
		"3014020103300b06092a864886f70d01070130003000": "",
		"3010020103300b06092a864886f70d010901":         "",
		"30043000" + "0300":                            "public key",
		"3006020100020100":                             "public key",
		"3009020100020100020100":                       "",
		"3012" + strings.Repeat("020100", 6):           "DSA",
		"3015" + strings.Repeat("020100", 7):           "",
		"300f" + strings.Repeat("020100", 5):           "",
		"3008" + "30043000" + "0400" + "3000":          "BCFKS",
		"3006" + "30023000" + "3000":                   "",
		"3006" + "3000" + "3000" + "0300":              "certificate",
		"3006" + "3000" + "0300" + "0500":              "",
		"3000":                                         "",
		"0400":                                         "",
		"3002" + "02":                                  "",
	} {
		b, err := hex.DecodeString(der)
		if err != nil {
			t.Fatal(err)
		}
		if got := kindOfDER(b); got != want {
			t.Errorf("%s: %q, want %q", der, got, want)
		}
	}
}

// The error of the passphrase is the error of Read, for each kind of encryption.
func TestErrorsOfPassphrases(t *testing.T) {
	ec := fixture(t, "ec-P-256")
	parsed, err := x509.ParsePKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(parsed.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 older files are encrypted so
	block, err := x509.EncryptPEMBlock(bytes.NewReader(make([]byte, 64)), "EC PRIVATE KEY", sec1, []byte("secret12"), x509.PEMCipherAES128)
	if err != nil {
		t.Fatal(err)
	}
	for name, plain := range map[string][]byte{"more than a key": append(bytes.Clone(sec1), 5, 0), "no key": []byte("0123456789abcde"), "nothing": nil} {
		//lint:ignore SA1019 older files are encrypted so
		block, err := x509.EncryptPEMBlock(bytes.NewReader(make([]byte, 64)), "EC PRIVATE KEY", plain, []byte("secret12"), x509.PEMCipherAES128)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(pem.EncodeToMemory(block), secret12); err != ErrPassphrase {
			t.Errorf("%s: %v", name, err)
		}
	}
	nobody := errors.New("nobody is there")
	for name, content := range map[string][]byte{
		"PBKDF2": ofPBKDF2.seal(t, ec), "scrypt": ofScrypt.seal(t, ec), "PEM": pem.EncodeToMemory(block), "wallet": samples(t)["wallet"].content,
	} {
		if f, err := Read(content, func() ([]byte, error) { return nil, nobody }); f != nil || err != nobody {
			t.Errorf("%s: %v", name, err)
		}
		if f, err := Read(content, func() ([]byte, error) { return []byte("secret13"), nil }); f != nil || err != ErrPassphrase {
			t.Errorf("%s: %v", name, err)
		}
		secret := []byte("secret12")
		if _, err := Read(content, func() ([]byte, error) { return secret, nil }); err != nil || !bytes.Equal(secret, make([]byte, 8)) {
			t.Errorf("%s: %v, and the passphrase is %q", name, err, secret)
		}
	}
}

// An encrypted private key may be in BER.
func TestEncryptedBER(t *testing.T) {
	ec := fixture(t, "ec-P-256")
	var members asn1.RawValue
	if _, err := asn1.Unmarshal(ec, &members); err != nil {
		t.Fatal(err)
	}
	ber := append(append([]byte{0x30, 0x80}, members.Bytes...), 0, 0)
	want, err := read(ec, "ECC_NIST_P256")
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(ofPBKDF2.seal(t, ber), "ECC_NIST_P256")
	if err != nil || !bytes.Equal(got.Bytes, want.Bytes) {
		t.Error(err)
	}
}

// Building the PKCS #8 of an RSA key leaves no more copies of a prime than package cryptobyte does.
func TestBuildersLeaveNoCopies(t *testing.T) {
	secrettest.KeepGarbage(t)
	left := func(build func(numbers []*big.Int) []byte) int {
		numbers := freshRSA(t)
		p := secrettest.Take(numbers[3].Bytes())
		before := secrettest.Copies(t, p)
		secrettest.Alone(func() { clear(build(numbers)) })
		return secrettest.Copies(t, p) - before
	}
	got := left(rsaPKCS8)
	want := left(func(numbers []*big.Int) []byte {
		b := cryptobyte.NewBuilder(make([]byte, 0, 4096))
		for _, n := range numbers {
			b.AddASN1BigInt(n)
		}
		return b.BytesOrPanic()
	})
	if got > want {
		t.Errorf("%d copies of a prime remain, want %d", got, want)
	}
}

// Reading the wallet import format leaves no copy of the scalar as a number.
func TestWIFLeavesNoScalar(t *testing.T) {
	secrettest.KeepGarbage(t)
	scalar := make([]byte, 32)
	rand.Read(scalar)
	text := []byte(base58Of(append([]byte{0x80}, scalar...)))
	slices.Reverse(scalar)
	p := secrettest.Take(scalar)
	before := secrettest.Copies(t, p)
	secrettest.Alone(func() {
		r := new(reader)
		if _, ok := r.fromWIF(text); !ok {
			t.Error("not read")
		}
		r.clear()
	})
	if n := secrettest.Copies(t, p) - before; n > 0 {
		t.Errorf("%d copies remain", n)
	}
}
