package keyfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"

	"github.com/keyhold/keyhold/internal/privatekey"
)

var (
	one         = big.NewInt(1)
	errExponent = errors.New("the private key has exponents that do not belong to its modulus")
)

// complete computes the missing numbers of an RSA key. It needs n, e and d; any of p, q, dp, dq and qi may be
// nil.
func complete(numbers []*big.Int) error {
	n, e, d := numbers[0], numbers[1], numbers[2]
	if !sizeIsKnown(n.BitLen()) {
		return fmt.Errorf("the private key is an RSA key of %d bits: "+
			"only RSA keys of 2048, 3072 and 4096 bits can be imported", n.BitLen())
	}
	if e.BitLen() > 31 || d.Cmp(n) >= 0 || n.Bit(0) == 0 {
		return errExponent
	}
	p, q := numbers[3], numbers[4]
	if p == nil || q == nil {
		var err error
		if p, q, err = factors(n, e, d); err != nil {
			return err
		}
	}
	if p.Cmp(one) <= 0 || q.Cmp(one) <= 0 {
		return errExponent
	}
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	defer wipe(p1, q1)
	qi := new(big.Int).ModInverse(q, p)
	if qi == nil {
		return errExponent
	}
	numbers[3], numbers[4], numbers[5], numbers[6], numbers[7] = p, q, new(big.Int).Mod(d, p1), new(big.Int).Mod(d, q1), qi
	return nil
}

func sizeIsKnown(bits int) bool {
	for _, spec := range []string{"RSA_2048", "RSA_3072", "RSA_4096"} {
		if known, ok := privatekey.RSABits(spec); ok && known == bits {
			return true
		}
	}
	return false
}

// factors recovers the primes of an odd modulus from the two exponents (NIST SP 800-56B Rev. 2, appendix C.1). A
// round finds them with a chance of at least one half, if the exponents belong to the modulus.
func factors(n, e, d *big.Int) (p, q *big.Int, err error) {
	r := new(big.Int).Mul(d, e)
	r.Sub(r, one)
	defer wipe(r)
	if r.Sign() <= 0 || r.Bit(0) == 1 {
		return nil, nil, errExponent
	}
	t := r.TrailingZeroBits()
	r.Rsh(r, t)
	for range 100 {
		g, err := rand.Int(rand.Reader, n)
		if err != nil {
			return nil, nil, err
		}
		if x := rootOfOne(g.Exp(g, r, n), n, t); x != nil {
			p := x.GCD(nil, nil, x.Sub(x, one), n)
			q := new(big.Int).Div(n, p)
			return p, q, nil
		}
	}
	return nil, nil, errExponent
}

// rootOfOne squares y, at most t times, until the result is 1 modulo n. It returns the number before the last
// squaring, or nil if that is 1 or -1, or if the result was never 1.
func rootOfOne(y, n *big.Int, t uint) *big.Int {
	minus := new(big.Int).Sub(n, one)
	if y.Cmp(one) == 0 || y.Cmp(minus) == 0 {
		return nil
	}
	for range t {
		square := new(big.Int).Mul(y, y)
		square.Mod(square, n)
		if square.Cmp(one) == 0 {
			return y
		}
		if square.Cmp(minus) == 0 {
			return nil
		}
		y = square
	}
	return nil
}

// wipe erases numbers.
func wipe(numbers ...*big.Int) {
	for _, n := range numbers {
		if n != nil {
			clear(n.Bits())
		}
	}
}
