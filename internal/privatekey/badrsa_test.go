package privatekey

import (
	"crypto/rand"
	"math/big"
	"slices"
	"testing"
)

func badRSA(t *testing.T) []badKey {
	const spec = "RSA_2048"
	good := goodRSA(t, 2048)
	algorithm := func(parameters ...[]byte) []byte {
		return derSequence(append([][]byte{derOID(1, 2, 840, 113549, 1, 1, 1)}, parameters...)...)
	}
	wrap := func(privateKey []byte) []byte { return derPKCS8(algorithm(derNull), privateKey) }
	// spoil returns a good key after change, which may compute the numbers that follow from the
	// primes again.
	spoil := func(change func(k *rsaNumbers)) []byte {
		k := *goodRSA(t, 2048)
		change(&k)
		return k.pkcs8()
	}
	plus := func(n *big.Int, i int64) *big.Int { return new(big.Int).Add(n, big.NewInt(i)) }
	exponent := func(e *big.Int) []byte { return spoil(func(k *rsaNumbers) { k.e = e; k.complete() }) }
	primes := func(p, q *big.Int) []byte { return spoil(func(k *rsaNumbers) { k.p, k.q = p, q; k.complete() }) }
	pss := openssl(t, nil, "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
	three := openssl(t, nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_primes:3")
	small := openssl(t, nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
	e3 := openssl(t, nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3")
	lopsided := spoil(func(k *rsaNumbers) { k.p, k.q = randomPrime(t, 1056), randomPrime(t, 992); k.complete() })
	four := goodRSA(t, 4096)
	composite4 := *four
	composite4.q = composite(t, 2048)
	composite4.complete()
	negative := derSequence(derZero, derInt(new(big.Int).Neg(good.n)))
	return []badKey{
		{"RSASSA-PSS alone", spec, pemBytes(t, pss), "restricted to RSASSA-PSS"},
		{"no parameters", spec, derPKCS8(algorithm(), good.pkcs1(0)), "parameters other than NULL"},
		{"parameters that are a number", spec, derPKCS8(algorithm(derZero), good.pkcs1(0)), "parameters other than NULL"},
		{"no RSAPrivateKey", spec, wrap(derZero), "does not contain exactly one RSAPrivateKey"},
		{"bytes after the RSAPrivateKey", spec, wrap(append(good.pkcs1(0), 0)), "does not contain exactly one"},
		{"a number too many", spec, wrap(good.pkcs1(0, derZero)), "something after the last number"},
		{"three primes", spec, pemBytes(t, three), "more than two primes"},
		{"other primes in version 0", spec, wrap(good.pkcs1(0, derSequence(derSequence(derZero, derZero, derZero)))), "something after the last number"},
		{"RSAPrivateKey version 2", spec, wrap(good.pkcs1(2)), "RSAPrivateKey version 2"},
		{"no version", spec, wrap(derSequence(derOctets())), "no RSAPrivateKey version"},
		{"a negative modulus", spec, wrap(negative), "a modulus that is not a positive integer"},
		{"a modulus with a zero too many", spec, wrap(derSequence(derZero, derElement(2, []byte{0, 0}, good.n.Bytes()))), "a modulus that is not a positive integer in DER"},
		{"a modulus alone", spec, wrap(derSequence(derZero, derInt(good.n))), "a public exponent that is not a positive integer"},
		{"1024 bits", spec, pemBytes(t, small), "a modulus of 1024 bits"},
		{"2048 bits for 3072", "RSA_3072", good.pkcs8(), "a modulus of 2048 bits: in an RSA key of 3072 bits"},
		{"2047 bits", spec, spoil(func(k *rsaNumbers) { k.n = new(big.Int).Rsh(k.n, 1) }), "a modulus of 2047 bits"},
		{"exponent 0", spec, spoil(func(k *rsaNumbers) { k.e = new(big.Int) }), "a public exponent of 0 bits"},
		{"exponent 1", spec, exponent(big.NewInt(1)), "a public exponent below 65537"},
		{"exponent 3", spec, pemBytes(t, e3), "a public exponent below 65537"},
		{"exponent 65535", spec, exponent(big.NewInt(65535)), "a public exponent below 65537"},
		{"exponent 65538", spec, exponent(big.NewInt(65538)), "an even public exponent"},
		{"exponent 2^31+1", spec, exponent(big.NewInt(1<<31 + 1)), "a public exponent of 32 bits"},
		{"an exponent as large as the modulus", spec, exponent(plus(good.n, -2)), "a public exponent of 2048 bits"},
		{"private exponent 0", spec, spoil(func(k *rsaNumbers) { k.d = new(big.Int) }), "a private exponent of 0 bits"},
		{"a private exponent that is the modulus", spec, spoil(func(k *rsaNumbers) { k.d = k.n }), "not below its modulus"},
		{"private exponent 1", spec, spoil(func(k *rsaNumbers) { k.d = big.NewInt(1) }), "does not belong to its public exponent"},
		{"another private exponent", spec, spoil(func(k *rsaNumbers) { k.d = plus(k.d, 2) }), "does not belong to its public exponent"},
		{"a public exponent that is another's", spec, spoil(func(k *rsaNumbers) { k.e = big.NewInt(65539) }), "does not belong to its public exponent"},
		{"another modulus", spec, spoil(func(k *rsaNumbers) { k.n = plus(k.n, 2) }), "not the product of its primes"},
		{"the primes of another", spec, spoil(func(k *rsaNumbers) { k.p, k.q = randomPrime(t, 1024), randomPrime(t, 1024) }), "not the product of its primes"},
		{"primes 1 and n", spec, spoil(func(k *rsaNumbers) { k.p, k.q = big.NewInt(1), k.n }), "a first prime of 1 bits"},
		{"a prime that is missing", spec, spoil(func(k *rsaNumbers) { k.q = new(big.Int) }), "a second prime of 0 bits"},
		{"primes of 1056 and 992 bits", spec, lopsided, "a first prime of 1056 bits"},
		{"one prime twice", spec, primes(good.p, good.p), "too close to each other"},
		{"two primes side by side", spec, primes(good.p, nextPrime(good.p)), "too close to each other"},
		{"primes 2^900 apart", spec, primes(good.p, nextPrime(new(big.Int).Xor(good.p, new(big.Int).Lsh(big.NewInt(1), 900)))), "too close to each other"},
		{"an even prime", spec, primes(plus(good.p, 1), good.q), "an even prime"},
		{"a first prime that is composite", spec, primes(composite(t, 1024), good.q), "a first prime that is not prime"},
		{"a second prime that is composite", spec, primes(good.p, composite(t, 1024)), "a second prime that is not prime"},
		{"a second prime of 2048 bits that is composite", "RSA_4096", composite4.pkcs8(), "a second prime that is not prime"},
		{"a wrong first CRT exponent", spec, spoil(func(k *rsaNumbers) { k.dP = plus(k.dP, 2) }), "a wrong first CRT exponent"},
		{"a wrong second CRT exponent", spec, spoil(func(k *rsaNumbers) { k.dQ = plus(k.dQ, 2) }), "a wrong second CRT exponent"},
		{"CRT exponents swapped", spec, spoil(func(k *rsaNumbers) { k.dP, k.dQ = k.dQ, k.dP }), "a wrong first CRT exponent"},
		{"a wrong CRT coefficient", spec, spoil(func(k *rsaNumbers) { k.qInv = plus(k.qInv, 1) }), "a wrong CRT coefficient"},
		{"CRT coefficient 0", spec, spoil(func(k *rsaNumbers) { k.qInv = new(big.Int) }), "a CRT coefficient of 0 bits"},
		{"primes swapped alone", spec, spoil(func(k *rsaNumbers) { k.p, k.q = k.q, k.p }), "a wrong first CRT exponent"},
		{"the fingerprint of ROCA", spec, primes(rocaPrime(t), rocaPrime(t)), "ROCA"},
	}
}

func randomPrime(t *testing.T, bits int) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// composite returns a product of two primes. Its two highest bits are set, as in a prime of an RSA key.
func composite(t *testing.T, bits int) *big.Int {
	t.Helper()
	for {
		n := new(big.Int).Mul(randomPrime(t, bits/2), randomPrime(t, bits/2))
		if n.Bit(bits-1) == 1 && n.Bit(bits-2) == 1 {
			return n
		}
	}
}

func nextPrime(n *big.Int) *big.Int {
	n = new(big.Int).Add(n, big.NewInt(2))
	for !n.ProbablyPrime(8) {
		n.Add(n, big.NewInt(2))
	}
	return n
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// rocaPrime generates a prime of 1024 bits as the faulty generator does: k·M + 65537^a mod M,
// where M is the product of the first 71 primes.
func rocaPrime(t *testing.T) *big.Int {
	t.Helper()
	m := big.NewInt(1)
	for n, found := int64(2), 0; found < 71; n++ {
		if big.NewInt(n).ProbablyPrime(0) {
			m.Mul(m, big.NewInt(n))
			found++
		}
	}
	for {
		k, err1 := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(1024-m.BitLen()+1)))
		a, err2 := rand.Int(rand.Reader, m)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		p := new(big.Int).Exp(big.NewInt(65537), a, m)
		p.Add(p, k.Mul(k, m))
		if p.BitLen() == 1024 && p.Bit(1022) == 1 && p.ProbablyPrime(8) {
			return p
		}
	}
}

// Good moduli do not have the fingerprint.
func TestNoROCAFingerprint(t *testing.T) {
	for range 1000 {
		b := random(256)
		b[0], b[255] = b[0]|0x80, b[255]|1
		if hasROCAFingerprint(new(big.Int).SetBytes(b)) {
			t.Errorf("a random number has it")
		}
	}
	p := rocaPrime(t)
	if !hasROCAFingerprint(new(big.Int).Mul(p, rocaPrime(t))) || hasROCAFingerprint(new(big.Int).Mul(p, randomPrime(t, 1024))) {
		t.Error("it is taken for what it is not")
	}
}

// The fingerprint is compared with every odd prime up to 167.
func TestPrimesOfTheFingerprint(t *testing.T) {
	var want []int64
	for n := int64(3); n <= 167; n++ {
		if big.NewInt(n).ProbablyPrime(0) { // exact for such small numbers
			want = append(want, n)
		}
	}
	if !slices.Equal(rocaPrimes[:], want) {
		t.Errorf("%v, want %v", rocaPrimes, want)
	}
}
