package privatekey

import (
	"bytes"
	"crypto/elliptic"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// wantRefused checks that a key is refused for the given reason.
func wantRefused(t *testing.T, name, spec string, der []byte, cause string) {
	t.Helper()
	_, err := Parse(spec, der)
	if !isProblem(err) || !strings.Contains(err.Error(), cause) {
		t.Errorf("%s: %v, not %q", name, err, cause)
	}
}

// padPKCS8 returns PKCS #8 of exactly size bytes, with attributes as padding.
func padPKCS8(t *testing.T, der []byte, size int) []byte {
	t.Helper()
	p := mustPKCS8(t, der)
	algorithm := derSequence(derOID(p.algorithm...), p.parameters)
	for fill := range size {
		got := derPKCS8(algorithm, p.privateKey, derTagged(0, derOctets(make([]byte, fill))))
		if len(got) == size {
			return got
		}
	}
	t.Fatalf("no PKCS #8 of %d bytes", size)
	return nil
}

// A private key with attributes may be as long as the limit, and not a byte longer.
func TestSizeBounds(t *testing.T) {
	for spec, bound := range map[string]int{"RSA_2048": 2048/8*9/2 + 384, "ECC_NIST_P521": 512} {
		der := opensslKey(t, spec)
		kept := mustParse(t, spec, der)
		if got := mustParse(t, spec, padPKCS8(t, der, bound)); !bytes.Equal(got, kept) {
			t.Errorf("%s: with attributes it is another key", spec)
		}
		wantRefused(t, spec, spec, padPKCS8(t, der, bound+1), "too many")
	}
}

// The numbers of an RSA key may have as many bits as the numbers that follow from its primes, and
// not one more.
func TestNumberBounds(t *testing.T) {
	for cause, change := range map[string]func(k *rsaNumbers){
		"a modulus of 2049 bits":             func(k *rsaNumbers) { k.n = twoTo(2048) },
		"a private exponent of 2049 bits":    func(k *rsaNumbers) { k.d = twoTo(2048) },
		"a first prime of 1025 bits":         func(k *rsaNumbers) { k.p = twoTo(1024) },
		"a first prime of 1023 bits":         func(k *rsaNumbers) { k.p = twoTo(1022) },
		"a second prime of 1025 bits":        func(k *rsaNumbers) { k.q = twoTo(1024) },
		"a first CRT exponent of 1025 bits":  func(k *rsaNumbers) { k.dP = twoTo(1024) },
		"a second CRT exponent of 1025 bits": func(k *rsaNumbers) { k.dQ = twoTo(1024) },
		"a CRT coefficient of 1025 bits":     func(k *rsaNumbers) { k.qInv = twoTo(1024) },
	} {
		k := *goodRSA(t, 2048)
		change(&k)
		wantRefused(t, cause, "RSA_2048", k.pkcs8(), cause)
	}
}

func twoTo(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

// A private exponent that is correct only modulo one of p-1 and q-1 is refused, even if the CRT
// exponents agree with it.
func TestHalfPrivateExponents(t *testing.T) {
	for name, right := range map[string]func(k *rsaNumbers) *big.Int{
		"modulo p-1 alone": func(k *rsaNumbers) *big.Int { return k.p1 },
		"modulo q-1 alone": func(k *rsaNumbers) *big.Int { return k.q1 },
	} {
		k := *goodRSA(t, 2048)
		k.complete()
		k.d = new(big.Int).Mod(k.d, right(&k))
		k.dP, k.dQ = new(big.Int).Mod(k.d, k.p1), new(big.Int).Mod(k.d, k.q1)
		wantRefused(t, name, "RSA_2048", k.pkcs8(), "does not belong to its public exponent")
	}
}

// A CRT coefficient is below the first prime: a coefficient that is larger by the prime, but not
// longer, is refused.
func TestLargeCRTCoefficient(t *testing.T) {
	for k := *goodRSA(t, 2048); ; k.p, k.q = randomPrime(t, 1024), randomPrime(t, 1024) {
		k.complete()
		if k.qInv.Add(k.qInv, k.p); k.qInv.BitLen() == 1024 {
			wantRefused(t, "qInv + p", "RSA_2048", k.pkcs8(), "a wrong CRT coefficient")
			return
		}
	}
}

// Primes whose difference has 924 bits are too close (FIPS 186-5, appendix A.1.3, step 5.4).
// Primes that are a little further apart are accepted.
func TestClosePrimes(t *testing.T) {
	apart := func(bits uint) []byte {
		k := *goodRSA(t, 2048)
		for {
			k.p = randomPrime(t, 1024)
			k.q = nextPrime(new(big.Int).Add(k.p, new(big.Int).Add(twoTo(bits-1), twoTo(bits-2))))
			k.complete()
			if k.q.BitLen() == 1024 && k.n.BitLen() == 2048 && k.d.BitLen() > 2 {
				return k.pkcs8()
			}
		}
	}
	wantRefused(t, "924 bits", "RSA_2048", apart(924), "too close to each other")
	mustParse(t, "RSA_2048", apart(925))
}

// Scalars that are not below the order of the curve are refused, even if they have the right size
// and are not zero modulo the order. The largest scalar below the order is accepted.
func TestScalarsFromTheOrderOn(t *testing.T) {
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	for spec, c := range map[string]struct {
		n   *big.Int
		oid []byte
	}{
		"ECC_SECG_P256K1": {order, derOID(1, 3, 132, 0, 10)},
		"ECC_NIST_P256":   {elliptic.P256().Params().N, derOID(1, 2, 840, 10045, 3, 1, 7)},
	} {
		der := func(more int64) []byte {
			scalar := new(big.Int).Add(c.n, big.NewInt(more)).FillBytes(make([]byte, 32))
			return derPKCS8(derSequence(derOID(1, 2, 840, 10045, 2, 1), c.oid), derSequence([]byte{2, 1, 1}, derOctets(scalar)))
		}
		for _, more := range []int64{0, 1, 2, 12345} {
			wantRefused(t, spec, spec, der(more), "not below the order")
		}
		all := derPKCS8(derSequence(derOID(1, 2, 840, 10045, 2, 1), c.oid), derSequence([]byte{2, 1, 1}, derOctets(slices.Repeat([]byte{0xff}, 32))))
		wantRefused(t, spec, spec, all, "not below the order")
		mustParse(t, spec, der(-1))
	}
}
