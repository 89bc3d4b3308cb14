package keyfile

import (
	"encoding/asn1"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// A file cannot make scrypt use more than a bounded amount of memory and time.
func TestBoundsOfScrypt(t *testing.T) {
	for _, c := range []struct {
		n, r, p int
		ok      bool
	}{
		{1 << 14, 8, 1, true}, {1 << 20, 8, 64, true}, {1 << 23, 1, 1, true},
		{1 << 21, 8, 1, false}, {1 << 24, 1, 1, false}, {1 << 30, 1 << 30, 1, false}, {1 << 14, 1 << 10, 1, false},
		{1 << 14, 8, 65, false}, {1, 8, 1, false}, {-2, 8, 1, false}, {1 << 14, 0, 1, false}, {1 << 14, -8, 1, false}, {1 << 14, 8, 0, false},
	} {
		der, err := asn1.Marshal(struct {
			Salt    []byte
			N, R, P int
		}{[]byte("salt"), c.n, c.r, c.p})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := parseScrypt(cryptobyte.String(der), 32); ok != c.ok {
			t.Errorf("N=%d r=%d p=%d: %v", c.n, c.r, c.p, ok)
		}
	}
}
