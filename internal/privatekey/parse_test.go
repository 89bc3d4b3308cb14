package privatekey

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// opensslKeys are the arguments of openssl genpkey for a private key of each spec that has
// private keys.
var opensslKeys = map[string][]string{
	"RSA_2048":        {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
	"RSA_3072":        {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"},
	"RSA_4096":        {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"},
	"ECC_NIST_P256":   {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
	"ECC_NIST_P384":   {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
	"ECC_NIST_P521":   {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"},
	"ECC_SECG_P256K1": {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"},
}

func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", args, err, &stderr)
	}
	return out
}

// opensslKey returns a private key of the spec as PKCS #8 in DER. RSA keys, whose generation is
// slow, are the same each time.
func opensslKey(t *testing.T, spec string) []byte {
	t.Helper()
	if kept, ok := rsaKeys.Load(spec); ok {
		return bytes.Clone(kept.([]byte))
	}
	der := pemBytes(t, openssl(t, nil, append([]string{"genpkey"}, opensslKeys[spec]...)...))
	if spec[:3] == "RSA" {
		rsaKeys.Store(spec, bytes.Clone(der))
	}
	return der
}

var rsaKeys sync.Map

func pemBytes(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no PEM: %.20q", text)
	}
	return block.Bytes
}

func mustParse(t *testing.T, spec string, der []byte) []byte {
	t.Helper()
	k, err := Parse(spec, der)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return k.PKCS8
}

// Parse accepts keys from OpenSSL, and OpenSSL reads the same key in the result. Parse returns
// its own output unchanged. It refuses a key under another spec.
func TestParseOpenSSL(t *testing.T) {
	for spec := range opensslKeys {
		t.Run(spec, func(t *testing.T) {
			imported := opensslKey(t, spec)
			kept := mustParse(t, spec, imported)
			public := openssl(t, imported, "pkey", "-inform", "DER", "-pubout", "-outform", "DER")
			if k, _ := Parse(spec, kept); !bytes.Equal(public, k.PublicKey) || k.Spec != spec {
				t.Error("the public key is another")
			}
			if !bytes.Equal(public, openssl(t, kept, "pkey", "-inform", "DER", "-pubout", "-outform", "DER")) {
				t.Error("what is kept is another key")
			}
			if got, err := SpecOf(imported); got != spec || err != nil || !Known(spec) {
				t.Errorf("it is taken for %q: %v", got, err)
			}
			openssl(t, kept, "pkey", "-inform", "DER", "-check", "-noout")
			if again := mustParse(t, spec, kept); !bytes.Equal(again, kept) {
				t.Error("what is kept is not taken as it is")
			}
			for other := range opensslKeys {
				if _, err := Parse(other, imported); other != spec && !isProblem(err) {
					t.Errorf("it is taken for %s: %v", other, err)
				}
			}
		})
	}
}

func isProblem(err error) bool {
	_, bad := errors.AsType[Problem](err)
	return bad
}

// All encodings of one key give the same bytes.
func TestOneForm(t *testing.T) {
	for spec := range opensslKeys {
		imported := opensslKey(t, spec)
		kept := mustParse(t, spec, imported)
		if spec[:3] == "RSA" {
			k := rsaOf(t, imported)
			k.p, k.q = k.q, k.p
			k.complete()
			if swapped := k.pkcs8(); bytes.Equal(swapped, imported) || !bytes.Equal(mustParse(t, spec, swapped), kept) {
				t.Errorf("%s: with its primes the other way round it is another material", spec)
			}
			k.d.Add(k.d, k.lambda()) // an equivalent exponent, if it is below the modulus
			if k.d.Cmp(k.n) < 0 && !bytes.Equal(mustParse(t, spec, k.pkcs8()), kept) {
				t.Errorf("%s: with another private exponent it is another material", spec)
			}
			continue
		}
		for _, form := range [][]string{{"-no_public"}, {"-conv_form", "compressed"}, {"-conv_form", "hybrid"}} {
			sec1 := openssl(t, imported, append([]string{"ec", "-inform", "DER", "-outform", "DER"}, form...)...)
			written := openssl(t, sec1, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER")
			if bytes.Equal(written, imported) || !bytes.Equal(mustParse(t, spec, written), kept) {
				t.Errorf("%s: with %s it is another material", spec, form)
			}
		}
	}
}

// The output of Parse does not change between versions: a key that an older version imported
// gives the same bytes in a newer version.
func TestFormIsFixed(t *testing.T) {
	for file, spec := range map[string]string{"ec-P-256": "ECC_NIST_P256", "ec-P-384": "ECC_NIST_P384", "ec-P-521": "ECC_NIST_P521", "ec-secp256k1": "ECC_SECG_P256K1", "rsa-2048": "RSA_2048"} {
		der, err := os.ReadFile("testdata/" + file + ".der")
		if err != nil {
			t.Fatal(err)
		}
		if kept := mustParse(t, spec, der); !bytes.Equal(kept, der) {
			t.Errorf("%s is kept as %x", file, kept)
		}
	}
}

func TestUnknownSpecs(t *testing.T) {
	for _, spec := range []string{"", "SM2", "RSA_1024", "ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_KEM_512", "SYMMETRIC_DEFAULT", "HMAC_256"} {
		if _, err := Parse(spec, opensslKey(t, "ECC_NIST_P256")); err == nil || isProblem(err) || Known(spec) {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// SpecOf returns the spec of a key, or an error that describes the key.
func TestSpecOf(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"}, "is an RSA key of 1024 bits"},
		{[]string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp224r1"}, "is on the curve 1.3.132.0.33"},
		{[]string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"}, "by explicit parameters"},
		{[]string{"-algorithm", "ED25519"}, "is of the algorithm 1.3.101.112"},
	} {
		spec, err := SpecOf(pemBytes(t, openssl(t, nil, append([]string{"genpkey"}, c.args...)...)))
		if spec != "" || !isProblem(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %q, %v", c.args, spec, err)
		}
	}
	for _, der := range [][]byte{nil, {0x30, 0}, random(100)} {
		if spec, err := SpecOf(der); spec != "" || !isProblem(err) {
			t.Errorf("%x: %q, %v", der, spec, err)
		}
	}
}

// Parse accepts keys that Go generates, in another way than OpenSSL.
func TestParseGo(t *testing.T) {
	for spec, c := range map[string]elliptic.Curve{"ECC_NIST_P256": elliptic.P256(), "ECC_NIST_P384": elliptic.P384(), "ECC_NIST_P521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		if kept := mustParse(t, spec, der); !bytes.Equal(kept, der) {
			t.Errorf("%s is kept in another form", spec)
		}
	}
	der := goodRSA(t, 2048).pkcs8()
	parsed, err := x509.ParsePKCS8PrivateKey(mustParse(t, "RSA_2048", der))
	if k, ok := parsed.(*rsa.PrivateKey); err != nil || !ok || k.N.Cmp(rsaOf(t, der).n) != 0 {
		t.Errorf("%T, %v", parsed, err)
	}
}

// goodRSA returns the numbers of a good key, for tests to spoil.
func goodRSA(t *testing.T, bits int) *rsaNumbers {
	t.Helper()
	der, err := goodKeys[bits]()
	if err != nil {
		t.Fatal(err)
	}
	return rsaOf(t, der)
}

var goodKeys = map[int]func() ([]byte, error){2048: onceRSA(2048), 4096: onceRSA(4096)}

func onceRSA(bits int) func() ([]byte, error) {
	return sync.OnceValues(func() ([]byte, error) {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(k)
	})
}

// rsaOf reads a key with the standard library.
func rsaOf(t *testing.T, der []byte) *rsaNumbers {
	t.Helper()
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	k := parsed.(*rsa.PrivateKey)
	numbers := &rsaNumbers{bits: k.N.BitLen(), n: k.N, e: big.NewInt(int64(k.E)), d: k.D, p: k.Primes[0], q: k.Primes[1]}
	numbers.complete()
	return numbers
}

// complete computes the numbers that follow from exponents and primes.
func (k *rsaNumbers) complete() {
	one := big.NewInt(1)
	k.n = new(big.Int).Mul(k.p, k.q)
	k.p1, k.q1 = new(big.Int).Sub(k.p, one), new(big.Int).Sub(k.q, one)
	k.d = new(big.Int).ModInverse(k.e, k.lambda())
	if k.d == nil {
		k.d = big.NewInt(3)
	}
	k.dP, k.dQ = new(big.Int).Mod(k.d, k.p1), new(big.Int).Mod(k.d, k.q1)
	if k.qInv = new(big.Int).ModInverse(k.q, k.p); k.qInv == nil {
		k.qInv = big.NewInt(3)
	}
}

func (k *rsaNumbers) lambda() *big.Int {
	lcm := new(big.Int).Mul(k.p1, k.q1)
	return lcm.Div(lcm, new(big.Int).GCD(nil, nil, k.p1, k.q1))
}

// pkcs8 encodes the numbers unchanged.
func (k *rsaNumbers) pkcs8() []byte {
	return derPKCS8(derSequence(derOID(1, 2, 840, 113549, 1, 1, 1), derNull), k.pkcs1(0))
}

func (k *rsaNumbers) pkcs1(version int64, more ...[]byte) []byte {
	members := [][]byte{derInt(big.NewInt(version))}
	for _, n := range []*big.Int{k.n, k.e, k.d, k.p, k.q, k.dP, k.dQ, k.qInv} {
		members = append(members, derInt(n))
	}
	return derSequence(append(members, more...)...)
}
