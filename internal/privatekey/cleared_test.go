package privatekey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"os"
	"testing"

	"github.com/keyhold/keyhold/internal/secrettest"
)

// Parse and SpecOf leave no more copies of a scalar than the computation of its public point does.
func TestScalarIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	c, _ := curveOf("ECC_NIST_P256")
	left := func(use func(der, scalar []byte) error) int {
		scalars, ders, errs := [4][]byte{}, [4][]byte{}, [4]error{}
		for run := range scalars {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if scalars[run], err = k.Bytes(); err != nil {
				t.Fatal(err)
			}
			if ders[run], err = x509.MarshalPKCS8PrivateKey(k); err != nil {
				t.Fatal(err)
			}
		}
		n := secrettest.Left(t, func(run int) { errs[run] = use(ders[run], scalars[run]) }, func(run int) []byte { return scalars[run] })
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		return n
	}
	nothing := left(func(_, _ []byte) error { return nil })
	point := left(func(_, scalar []byte) error { _, err := c.point(scalar); return err })
	for name, test := range map[string]struct {
		use  func(der, _ []byte) error
		want int
	}{
		"SpecOf": {func(der, _ []byte) error { _, err := SpecOf(der); return err }, nothing},
		"Parse": {func(der, _ []byte) error {
			k, err := Parse("ECC_NIST_P256", der)
			clear(k.PKCS8)
			return err
		}, point},
		"Parse as another curve": {func(der, _ []byte) error {
			if _, err := Parse("ECC_NIST_P384", der); !isProblem(err) {
				return err
			}
			return nil
		}, nothing},
		"Parse as RSA": {func(der, _ []byte) error {
			if _, err := Parse("RSA_2048", der); !isProblem(err) {
				return err
			}
			return nil
		}, nothing},
	} {
		if got := left(test.use); got > test.want {
			t.Errorf("%s: %d copies of the scalar remain, want %d", name, got, test.want)
		}
	}
}

// SpecOf leaves no copy of an RSA key.
func TestSpecOfLeavesNoPrime(t *testing.T) {
	secrettest.KeepGarbage(t)
	der, err := os.ReadFile("testdata/rsa-2048.der")
	if err != nil {
		t.Fatal(err)
	}
	rand.Read(der[len(der)-64:]) // the end of the last number, which SpecOf does not read
	p := secrettest.Of(der[len(der)-64:])
	before := secrettest.Copies(t, p)
	secrettest.Alone(func() {
		if spec, err := SpecOf(der); spec != "RSA_2048" || err != nil {
			t.Error(spec, err)
		}
	})
	if n := secrettest.Copies(t, p) - before; n > 0 {
		t.Errorf("%d copies remain", n)
	}
}
