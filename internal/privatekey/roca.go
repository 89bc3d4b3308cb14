package privatekey

import "math/big"

// rocaPrimes are the odd primes up to 167: the factors that the modulus of the
// faulty generator has for keys of every size.
var rocaPrimes = [...]int64{3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79,
	83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167}

// hasROCAFingerprint reports whether a modulus probably comes from chips with a faulty generator,
// whose primes are k·M + (65537^a mod M), where M is a product of the first primes. Such a
// modulus is a power of 65537 modulo each of these primes, and can be factored (Nemec, Sys,
// Svenda, Klinec and Matyas, "The Return of Coppersmith's Attack", 2017, section 2). So is one of
// some hundred million other moduli.
func hasROCAFingerprint(modulus *big.Int) bool {
	for _, p := range rocaPrimes {
		rest := new(big.Int).Mod(modulus, big.NewInt(p)).Int64()
		if !isPower(rest, 65537%p, p) {
			return false
		}
	}
	return true
}

// isPower reports whether a number below p is a power of the generator modulo p.
func isPower(n, generator, p int64) bool {
	for power := generator; ; power = power * generator % p {
		if power == n {
			return true
		}
		if power == 1 {
			return n == 1
		}
	}
}
