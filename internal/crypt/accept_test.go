package crypt

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
	"os/exec"
	"sync"
	"testing"
)

// importedSpecs are the specs that material is imported for.
var importedSpecs = []string{"SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512",
	"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"}

// opensslKeys are the arguments of openssl genpkey that make a private key of each
// spec that has one.
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
	var talk bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", args, err, &talk)
	}
	return out
}

// opensslKey returns a private key of the spec as PKCS #8 in DER.
func opensslKey(t *testing.T, spec string, more ...string) []byte {
	t.Helper()
	return pemBytes(t, openssl(t, nil, append(append([]string{"genpkey"}, opensslKeys[spec]...), more...)...))
}

func pemBytes(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no PEM: %.20q", text)
	}
	return block.Bytes
}

func mustAccept(t *testing.T, spec string, imported []byte) []byte {
	t.Helper()
	material, err := Accept(spec, imported)
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return material
}

// What OpenSSL makes is taken, and what is kept is the same key to OpenSSL; taken
// once more it is the same bytes. Under another spec it is refused.
func TestAcceptOpenSSL(t *testing.T) {
	for spec := range opensslKeys {
		t.Run(spec, func(t *testing.T) {
			imported := opensslKey(t, spec)
			kept := mustAccept(t, spec, imported)
			public := func(der []byte) []byte {
				return openssl(t, der, "pkey", "-inform", "DER", "-pubout", "-outform", "DER")
			}
			if !bytes.Equal(public(imported), public(kept)) {
				t.Error("what is kept is another key")
			}
			openssl(t, kept, "pkey", "-inform", "DER", "-check", "-noout")
			if again := mustAccept(t, spec, kept); !bytes.Equal(again, kept) {
				t.Error("what is kept is not taken as it is")
			}
			for _, other := range importedSpecs {
				if _, err := Accept(other, imported); other != spec && !isBad(err) {
					t.Errorf("it is taken for %s: %v", other, err)
				}
			}
		})
	}
}

func isBad(err error) bool {
	_, bad := errors.AsType[BadMaterial](err)
	return bad
}

// One key is one material, in whichever way it is written.
func TestAcceptOneForm(t *testing.T) {
	for spec := range opensslKeys {
		imported := opensslKey(t, spec)
		kept := mustAccept(t, spec, imported)
		if spec[:3] == "RSA" {
			k := rsaOf(t, imported)
			k.p, k.q = k.q, k.p
			k.complete()
			if swapped := k.pkcs8(); bytes.Equal(swapped, imported) || !bytes.Equal(mustAccept(t, spec, swapped), kept) {
				t.Errorf("%s: with its primes the other way round it is another material", spec)
			}
			k.d.Add(k.d, k.lambda()) // as good an exponent, if it is below the modulus
			if k.d.Cmp(k.n) < 0 && !bytes.Equal(mustAccept(t, spec, k.pkcs8()), kept) {
				t.Errorf("%s: with another private exponent it is another material", spec)
			}
			continue
		}
		for _, form := range [][]string{{"-no_public"}, {"-conv_form", "compressed"}} {
			sec1 := openssl(t, imported, append([]string{"ec", "-inform", "DER", "-outform", "DER"}, form...)...)
			written := openssl(t, sec1, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER")
			if bytes.Equal(written, imported) || !bytes.Equal(mustAccept(t, spec, written), kept) {
				t.Errorf("%s: with %s it is another material", spec, form)
			}
		}
	}
}

// Bytes are their own form, and only their number counts.
func TestAcceptBytes(t *testing.T) {
	for spec, size := range map[string]int{"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64} {
		for n := range 130 {
			kept, err := Accept(spec, counting(n))
			if n == size && (err != nil || !bytes.Equal(kept, counting(n))) || n != size && !isBad(err) {
				t.Errorf("%s of %d bytes: %x, %v", spec, n, kept, err)
			}
		}
		imported := counting(size)
		if kept := mustAccept(t, spec, imported); &kept[0] == &imported[0] {
			t.Errorf("%s: what is kept is not a copy", spec)
		}
	}
	for _, spec := range []string{"", "SM2", "RSA_1024", "ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_KEM_512"} {
		if _, err := Accept(spec, counting(32)); err == nil || isBad(err) {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

// Go's own keys are taken: they are made in other ways than OpenSSL's.
func TestAcceptGo(t *testing.T) {
	for spec, c := range map[string]elliptic.Curve{"ECC_NIST_P256": elliptic.P256(), "ECC_NIST_P384": elliptic.P384(), "ECC_NIST_P521": elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		if kept := mustAccept(t, spec, der); !bytes.Equal(kept, der) {
			t.Errorf("%s is kept in another form", spec)
		}
	}
	der := goodRSA(t, 2048).pkcs8()
	parsed, err := x509.ParsePKCS8PrivateKey(mustAccept(t, "RSA_2048", der))
	if k, ok := parsed.(*rsa.PrivateKey); err != nil || !ok || k.N.Cmp(rsaOf(t, der).n) != 0 {
		t.Errorf("%T, %v", parsed, err)
	}
}

// goodRSA returns the numbers of a good key, to be spoiled.
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

// complete computes what follows from exponents and primes.
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

// pkcs8 writes the numbers as they are.
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
