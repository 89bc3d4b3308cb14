package byok_test

import (
	"bytes"
	"crypto/x509"
	"os"
	"testing"

	"github.com/keyhold/keyhold/byok"
)

// Whatever a file holds, it is read to a private key that is valid, or to none; and
// what is read is read to itself again.
func FuzzReadPrivateKey(f *testing.F) {
	for _, file := range []string{"ec-P-256.der", "ec-secp256k1.der", "rsa-2048.der"} {
		der, err := os.ReadFile("../internal/privatekey/testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nMAA=\n-----END EC PRIVATE KEY-----\n"))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","d":"AQ","x":"AQ","y":"AQ"}`))
	f.Add([]byte(`{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ","p":"AQ","q":"AQ","dp":"AQ","dq":"AQ","qi":"AQ"}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.Contains(content, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c}) {
			t.Skip() // PBKDF2, which is slow by its nature
		}
		k, err := byok.ReadPrivateKey(content, func() ([]byte, error) { return []byte("secret"), nil })
		if err != nil {
			if k != nil {
				t.Errorf("%v with %v", k, err)
			}
			return
		}
		if _, err := x509.ParsePKCS8PrivateKey(k.Material); err != nil && k.KeySpec != "ECC_SECG_P256K1" {
			t.Errorf("%s: %v", k.KeySpec, err)
		}
		again, err := byok.ReadPrivateKey(k.Material, nil)
		if err != nil || again.KeySpec != k.KeySpec || !bytes.Equal(again.Material, k.Material) || !bytes.Equal(again.PublicKey, k.PublicKey) {
			t.Errorf("%s: read again: %v", k.KeySpec, err)
		}
	})
}
