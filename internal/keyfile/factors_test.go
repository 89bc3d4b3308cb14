package keyfile

import (
	"math/big"
	"testing"
)

// The private exponent can belong to the smallest group order, for which d·e - 1 is an odd multiple of 2.
func TestFactorsOfSmallNumbers(t *testing.T) {
	for _, n := range []struct {
		n, e, d int64
		p, q    int64 // in either order; 0 if there are none
	}{
		{77, 7, 13, 7, 11}, // d·e - 1 = 90, a multiple of lcm(6, 10) = 30
		{77, 7, 43, 7, 11}, // 300, a multiple of 6·10
		{77, 2, 3, 0, 0},   // 5 is odd
		{77, 1, 1, 0, 0},   // 0
		{77, 7, 14, 0, 0},  // 97 is not a multiple
	} {
		p, q, err := factors(big.NewInt(n.n), big.NewInt(n.e), big.NewInt(n.d))
		if n.p == 0 {
			if err == nil {
				t.Errorf("%+v: found %v and %v", n, p, q)
			}
			continue
		}
		if err != nil || p.Int64()*q.Int64() != n.n || p.Int64() != n.p && p.Int64() != n.q {
			t.Errorf("%+v: %v, %v, %v", n, p, q, err)
		}
	}
}
