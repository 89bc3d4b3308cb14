package privatekey

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	encoding "encoding/asn1"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// RSABits returns the modulus size of an RSA key spec, in bits. The wrapping key specs have the
// same names.
func RSABits(spec string) (int, bool) {
	switch spec {
	case "RSA_2048":
		return 2048, true
	case "RSA_3072":
		return 3072, true
	case "RSA_4096":
		return 4096, true
	}
	return 0, false
}

var (
	oidRSA    = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}  // RFC 8017, appendix A.1
	oidRSAPSS = encoding.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10} // RFC 4055, section 3.1
	derNull   = []byte{5, 0}
)

// maxRSASize is the maximum size of the PKCS #8 of a private key, by the size of its modulus in
// bits. The eight large numbers together are four and a half times as long as the modulus; the
// rest is for headers and some attributes.
func maxRSASize(bits int) int { return bits/8*9/2 + 384 }

// parseRSA validates an RSA private key with two primes (RFC 8017, appendix A.1.2).
func parseRSA(spec string, bits int, pkcs8 []byte) (Key, error) {
	p, err := splitPKCS8(pkcs8)
	defer p.erase()
	switch {
	case err != nil:
		return Key{}, err
	case p.size > maxRSASize(bits):
		return Key{}, problem("has %d bytes, too many for an RSA key of %d bits", p.size, bits)
	case p.algorithm.Equal(oidRSAPSS):
		return Key{}, Problem("is restricted to RSASSA-PSS by its algorithm")
	case !p.algorithm.Equal(oidRSA):
		return Key{}, problem("is of the algorithm %s, not RSA (%s)", p.algorithm, oidRSA)
	case !bytes.Equal(p.parameters, derNull):
		return Key{}, Problem("has RSA parameters other than NULL")
	}
	k, err := parseNumbers(bits, p.privateKey)
	if err != nil {
		return Key{}, err
	}
	for _, check := range []func() error{k.checkExponents, k.checkModulus, k.checkCRT, k.checkPrimes} {
		if err := check(); err != nil {
			return Key{}, err
		}
	}
	return k.marshal(spec)
}

// specOfRSA returns the spec of an RSAPrivateKey, by the size of its modulus.
func specOfRSA(der cryptobyte.String) (string, error) {
	var key cryptobyte.String
	var version uint
	var modulus []byte
	if !der.ReadASN1(&key, asn1.SEQUENCE) || !key.ReadASN1Integer(&version) || !key.ReadASN1Integer(&modulus) {
		return "", Problem("does not contain an RSAPrivateKey in its PKCS #8")
	}
	size := new(big.Int).SetBytes(modulus).BitLen()
	for _, spec := range specs {
		if bits, ok := RSABits(spec); ok && bits == size {
			return spec, nil
		}
	}
	return "", problem("is an RSA key of %d bits: only RSA keys of 2048, 3072 and 4096 bits can be imported", size)
}

// rsaNumbers are the numbers of an RSAPrivateKey. Their sizes have been checked.
type rsaNumbers struct {
	bits                                int
	n, e, d, p, q, dP, dQ, qInv, p1, q1 *big.Int // p1 is p-1
}

// parseNumbers parses an RSAPrivateKey and checks the size of each number before anything is
// computed.
func parseNumbers(bits int, der cryptobyte.String) (*rsaNumbers, error) {
	k := &rsaNumbers{bits: bits}
	var key cryptobyte.String
	var version uint
	switch {
	case !der.ReadASN1(&key, asn1.SEQUENCE) || !der.Empty():
		return nil, Problem("does not contain exactly one RSAPrivateKey in its PKCS #8")
	case !key.ReadASN1Integer(&version):
		return nil, Problem("has no RSAPrivateKey version")
	case version == 1:
		return nil, Problem("has more than two primes")
	case version != 0:
		return nil, problem("has the RSAPrivateKey version %d, not 0", version)
	}
	for _, number := range []struct {
		name     string
		to       **big.Int
		min, max int // bits
	}{
		{"a modulus", &k.n, bits, bits},
		{"a public exponent", &k.e, 1, maxExponentBits},
		{"a private exponent", &k.d, 1, bits},
		{"a first prime", &k.p, bits / 2, bits / 2},
		{"a second prime", &k.q, bits / 2, bits / 2},
		{"a first CRT exponent", &k.dP, 1, bits / 2},
		{"a second CRT exponent", &k.dQ, 1, bits / 2},
		{"a CRT coefficient", &k.qInv, 1, bits / 2},
	} {
		var octets []byte // unsigned, as short as possible
		if !key.ReadASN1Integer(&octets) {
			return nil, problem("has %s that is not a positive integer in DER", number.name)
		}
		n := new(big.Int).SetBytes(octets)
		if size := n.BitLen(); size < number.min || size > number.max {
			return nil, problem("has %s of %d bits: in an RSA key of %d bits it has %d to %d",
				number.name, size, bits, number.min, number.max)
		}
		*number.to = n
	}
	if !key.Empty() {
		return nil, Problem("has something after the last number of its RSAPrivateKey")
	}
	return k, nil
}

// Public exponents are odd and above 2^16 (FIPS 186-5, section 5.1), and below 2^31, because
// crypto/rsa and many other libraries accept no larger ones.
const maxExponentBits = 31

func (k *rsaNumbers) checkExponents() error {
	switch {
	case k.e.Bit(0) == 0:
		return Problem("has an even public exponent")
	case k.e.BitLen() <= 16:
		return Problem("has a public exponent below 65537")
	case k.d.Cmp(k.n) >= 0:
		return Problem("has a private exponent that is not below its modulus")
	}
	return nil
}

// minApart is the minimum size of the difference of the primes, as the number of bits by which it
// may be shorter than the primes (FIPS 186-5, appendix A.1.3, step 5.4). Fermat's method factors
// the modulus of closer primes.
const minApart = 100

func (k *rsaNumbers) checkModulus() error {
	apart := new(big.Int).Sub(k.p, k.q)
	switch {
	case new(big.Int).Mul(k.p, k.q).Cmp(k.n) != 0:
		return Problem("has a modulus that is not the product of its primes")
	case apart.BitLen() <= k.bits/2-minApart:
		return Problem("has primes that are too close to each other")
	case k.p.Bit(0) == 0 || k.q.Bit(0) == 0:
		return Problem("has an even prime")
	case hasROCAFingerprint(k.n):
		return Problem("has the fingerprint of a generator whose keys can be factored (ROCA, CVE-2017-15361)")
	}
	return nil
}

// checkCRT compares the private exponent and the values of the Chinese remainder theorem with
// their definitions (RFC 8017, section 3.2). Signatures made with a wrong value would reveal the
// primes.
func (k *rsaNumbers) checkCRT() error {
	one := big.NewInt(1)
	k.p1, k.q1 = new(big.Int).Sub(k.p, one), new(big.Int).Sub(k.q, one)
	product := func(a, b, modulus *big.Int) *big.Int {
		c := new(big.Int).Mul(a, b)
		return c.Mod(c, modulus)
	}
	switch {
	case product(k.e, k.d, k.p1).Cmp(one) != 0 || product(k.e, k.d, k.q1).Cmp(one) != 0:
		return Problem("has a private exponent that does not belong to its public exponent")
	case k.dP.Cmp(product(k.d, one, k.p1)) != 0:
		return Problem("has a wrong first CRT exponent")
	case k.dQ.Cmp(product(k.d, one, k.q1)) != 0:
		return Problem("has a wrong second CRT exponent")
	case k.qInv.Cmp(k.p) >= 0 || product(k.qInv, k.q, k.p).Cmp(one) != 0:
		return Problem("has a wrong CRT coefficient")
	}
	return nil
}

// primeRounds is the number of Miller-Rabin rounds for one prime. math/big adds the Lucas test of Baillie-PSW. No
// composite number is known that passes this test, not even one constructed for the purpose, so more rounds would
// mostly add time.
const primeRounds = 8

func (k *rsaNumbers) checkPrimes() error {
	switch {
	case !k.p.ProbablyPrime(primeRounds):
		return Problem("has a first prime that is not prime")
	case !k.q.ProbablyPrime(primeRounds):
		return Problem("has a second prime that is not prime")
	}
	return nil
}

// marshal returns the key with the larger prime first, as OpenSSL writes it, and with
// the smallest private exponent (FIPS 186-5, appendix A.1.1, step 3).
func (k *rsaNumbers) marshal(spec string) (Key, error) {
	p, q, p1, q1 := k.p, k.q, k.p1, k.q1
	if p.Cmp(q) < 0 {
		p, q, p1, q1 = q, p, q1, p1
	}
	lcm := new(big.Int).Mul(p1, q1)
	lcm.Div(lcm, new(big.Int).GCD(nil, nil, p1, q1))
	private := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: k.n, E: int(k.e.Int64())},
		D:         new(big.Int).ModInverse(k.e, lcm),
		Primes:    []*big.Int{p, q},
	}
	private.Precompute()
	if err := private.Validate(); err != nil {
		return Key{}, problem("is not a valid RSA key: %v", err)
	}
	pkcs8, err1 := x509.MarshalPKCS8PrivateKey(private)
	spki, err2 := x509.MarshalPKIXPublicKey(&private.PublicKey)
	return Key{spec, pkcs8, spki}, errors.Join(err1, err2)
}
