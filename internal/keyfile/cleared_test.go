package keyfile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/privatekey"
	"github.com/keyhold/keyhold/internal/secrettest"
)

// Reading a private key leaves no more copies of its scalar than the validation of its PKCS #8 does, after the file
// and the result are cleared.
func TestReadLeavesNoScalar(t *testing.T) {
	secrettest.KeepGarbage(t)
	b64 := base64.RawURLEncoding.EncodeToString
	left := func(use func(k *ecdsa.PrivateKey, scalar, point []byte) error) int {
		var keys [4]*ecdsa.PrivateKey
		var scalars [4][]byte
		var errs [4]error
		n := secrettest.Left(t, func(run int) {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Error(err)
				return
			}
			scalar, _ := k.Bytes()
			point, _ := k.PublicKey.Bytes()
			keys[run], scalars[run], errs[run] = k, scalar, use(k, scalar, point)
		}, func(run int) []byte { return scalars[run] })
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	marshal := func(value any, err error) []byte {
		der, ok := value.([]byte)
		if err == nil && !ok {
			der, err = asn1.Marshal(value)
		}
		if err != nil {
			t.Error(err)
		}
		return der
	}
	fromFile := func(content []byte) error {
		f, err := Read(content, nil)
		clear(content)
		if err != nil {
			return err
		}
		defer f.Clear()
		m, err := f.Material("ECC_NIST_P256")
		if err == nil {
			clear(m.Bytes)
		}
		return err
	}
	pkcs8 := func(k *ecdsa.PrivateKey, _, _ []byte) []byte { return marshal(x509.MarshalPKCS8PrivateKey(k)) }
	made := func(file func(k *ecdsa.PrivateKey, scalar, point []byte) []byte) int {
		return left(func(k *ecdsa.PrivateKey, scalar, point []byte) error { clear(file(k, scalar, point)); return nil })
	}
	validated := left(func(k *ecdsa.PrivateKey, _, _ []byte) error {
		der := pkcs8(k, nil, nil)
		defer clear(der)
		parsed, err := privatekey.Parse("ECC_NIST_P256", der)
		clear(parsed.PKCS8)
		return err
	}) - made(pkcs8)
	for name, file := range map[string]func(k *ecdsa.PrivateKey, scalar, point []byte) []byte{
		"PKCS #8": pkcs8,
		"SEC 1":   func(k *ecdsa.PrivateKey, _, _ []byte) []byte { return marshal(x509.MarshalECPrivateKey(k)) },
		"SEC 1 with a zero more": func(_ *ecdsa.PrivateKey, scalar, _ []byte) []byte {
			longer := append([]byte{0}, scalar...)
			defer clear(longer)
			return marshal(ecNumbers{Version: 1, Scalar: longer, Curve: asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}}, nil)
		},
		"hexadecimal": func(_ *ecdsa.PrivateKey, scalar, _ []byte) []byte { return []byte(hex.EncodeToString(scalar)) },
		"JWK": func(_ *ecdsa.PrivateKey, scalar, point []byte) []byte {
			return []byte(`{"kty":"EC","crv":"P-256","d":"` + b64(scalar) + `","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `"}`)
		},
	} {
		want := made(file) + validated
		if got := left(func(k *ecdsa.PrivateKey, scalar, point []byte) error { return fromFile(file(k, scalar, point)) }); got > want {
			t.Errorf("%s: %d copies of the scalar remain, want %d", name, got, want)
		}
	}
}

// middle returns the pattern of 32 bytes inside a number, as package big keeps it in memory.
func middle(n *big.Int) secrettest.Pattern {
	b := n.Bytes()
	slices.Reverse(b)
	return secrettest.Of(b[32:64])
}

// freshRSA returns the numbers of a new RSA key: n, e, d, p, q, dp, dq and qi.
func freshRSA(t *testing.T) []*big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	known := fromDER[rsaNumbers](t, fromDER[pkcs8Numbers](t, fixture(t, "rsa-2048")).Key)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(known.Q, one)
	d := new(big.Int).ModInverse(known.E, new(big.Int).Mul(p1, q1))
	if d == nil {
		return freshRSA(t)
	}
	return []*big.Int{
		new(big.Int).Mul(p, known.Q), known.E, d, p, known.Q,
		new(big.Int).Mod(d, p1), new(big.Int).Mod(d, q1), new(big.Int).ModInverse(known.Q, p),
	}
}

func jwkOf(numbers []*big.Int) []byte {
	text := `{"kty":"RSA"`
	for i, n := range numbers {
		name := []string{"n", "e", "d", "p", "q", "dp", "dq", "qi"}[i]
		text += fmt.Sprintf(",%q:%q", name, base64.RawURLEncoding.EncodeToString(n.Bytes()))
	}
	return []byte(text + "}")
}

func xmlOf(numbers []*big.Int) []byte {
	text := "<RSAKeyValue>"
	for i, n := range numbers {
		name := []string{"Modulus", "Exponent", "D", "P", "Q", "DP", "DQ", "InverseQ"}[i]
		text += fmt.Sprintf("<%s>%s</%[1]s>", name, base64.StdEncoding.EncodeToString(n.Bytes()))
	}
	return []byte(text + "</RSAKeyValue>")
}

// Reading the numbers of an RSA key leaves no copy of a prime as a number. The modulus is too short, because the
// validation of a key leaves copies.
func TestReadLeavesNoPrime(t *testing.T) {
	secrettest.KeepGarbage(t)
	for name, file := range map[string]func(numbers []*big.Int) []byte{"JWK": jwkOf, "XML": xmlOf} {
		numbers := freshRSA(t)
		numbers[0] = numbers[4]
		content, p := file(numbers), middle(numbers[3])
		before := secrettest.Copies(t, p)
		secrettest.Alone(func() {
			if _, err := Read(content, nil); err == nil || !strings.Contains(err.Error(), "1024 bits") {
				t.Error(err)
			}
		})
		if got := secrettest.Copies(t, p) - before; got > 0 {
			t.Errorf("%s: %d copies of a prime remain", name, got)
		}
	}
}

// The factorisation leaves no copy of the number that it computes from both exponents.
func TestFactorsLeaveNoMultiple(t *testing.T) {
	secrettest.KeepGarbage(t)
	numbers := freshRSA(t)
	n, e, d := numbers[0], numbers[1], numbers[2]
	r := new(big.Int).Mul(d, e)
	r.Sub(r, one)
	r.Rsh(r, r.TrailingZeroBits())
	p := middle(r)
	clear(r.Bits())
	before := secrettest.Copies(t, p)
	secrettest.Alone(func() {
		if _, _, err := factors(n, e, d); err != nil {
			t.Error(err)
		}
	})
	if got := secrettest.Copies(t, p) - before; got > 0 {
		t.Errorf("%d copies remain", got)
	}
}

// Reading encoded text leaves no copy of the text after the file is cleared.
func TestReadLeavesNoText(t *testing.T) {
	secrettest.KeepGarbage(t)
	text := make([]byte, 32)
	rand.Read(text)
	for i := range text {
		text[i] = "!#$%&()*-:;,=>?@"[text[i]%16] // neither hexadecimal nor base64
	}
	content := []byte(base64.StdEncoding.EncodeToString(text))
	p := secrettest.Take(text)
	before := secrettest.Copies(t, p)
	secrettest.Alone(func() {
		f, err := Read(content, nil)
		if err != nil {
			t.Error(err)
			return
		}
		f.Clear()
	})
	if n := secrettest.Copies(t, p) - before; n > 0 {
		t.Errorf("%d copies remain", n)
	}
}
