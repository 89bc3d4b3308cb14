package derive

import (
	"bytes"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"testing"
)

// TestVectors holds Key to test cases 1 and 3 of RFC 5869, appendix A.
func TestVectors(t *testing.T) {
	for _, c := range []struct{ secret, salt, info, want string }{
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
			"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"},
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
			"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"},
	} {
		var in [3][]byte
		for i, digits := range []string{c.secret, c.salt, c.info} {
			var err error
			if in[i], err = hex.DecodeString(digits); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := Key(in[0], in[1], string(in[2])); hex.EncodeToString(got[:]) != c.want || err != nil {
			t.Errorf("secret %s: %x, %v, want %s", c.secret, got, err, c.want)
		}
	}
}

// TestSameAsStandard compares Key with crypto/hkdf on both sides of every size at which HMAC or SHA-256 changes.
func TestSameAsStandard(t *testing.T) {
	sizes := []int{0, 1, 16, 31, 32, 33, 54, 55, 56, 63, 64, 65, 127, 128, 129, 3000}
	text := make([]byte, 3000)
	rand.Read(text)
	for _, secret := range sizes {
		for _, salt := range sizes {
			for _, info := range sizes {
				want, err := hkdf.Key(sha256.New, text[:secret], text[:salt], string(text[:info]), sha256.Size)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Key(text[:secret], text[:salt], string(text[:info]))
				if err != nil || !bytes.Equal(got[:], want) {
					t.Fatalf("secret of %d bytes, salt of %d, info of %d: %x, %v, want %x", secret, salt, info, got, err, want)
				}
			}
		}
	}
}

// With the FIPS 140-3 module, the module derives the key: it refuses a secret that is too short for its strict mode.
func TestModule(t *testing.T) {
	if fips140.Enabled() {
		if k, err := Key(make([]byte, 13), nil, ""); err == nil {
			t.Errorf("a secret of 13 bytes gives %x", k)
		}
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^Test(Module|Vectors)$")
	again.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestNoAllocations(t *testing.T) {
	secret, salt := make([]byte, 64), make([]byte, 16)
	if n := testing.AllocsPerRun(100, func() { Key(secret, salt, "a purpose of less than 32 bytes") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
