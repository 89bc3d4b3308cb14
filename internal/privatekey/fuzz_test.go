package privatekey

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

// seedKeys returns the private keys of testdata, in DER.
func seedKeys(f *testing.F) (keys [][]byte) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.der")
	if err != nil || len(files) < 4 {
		f.Fatalf("%d keys to begin with, %v", len(files), err)
	}
	for _, file := range files {
		der, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, der)
	}
	return keys
}

// FuzzParse checks that the standard library reads every private key that Parse accepts, with the
// same public key, and that Parse returns its own output unchanged.
func FuzzParse(f *testing.F) {
	for _, der := range seedKeys(f) {
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		spec, err := SpecOf(der)
		for _, s := range specs {
			k, err := Parse(s, der)
			switch {
			case err != nil && !isProblem(err), err != nil && (k.PKCS8 != nil || k.PublicKey != nil):
				t.Errorf("%s: %v", s, err)
			case err == nil && s != spec:
				t.Errorf("a key of %s is taken for %s", spec, s)
			case err == nil:
				checkKept(t, k)
			}
		}
		if err != nil && spec != "" {
			t.Errorf("%q, %v", spec, err)
		}
	})
}

func checkKept(t *testing.T, k Key) {
	again, err := Parse(k.Spec, k.PKCS8)
	if err != nil || !bytes.Equal(again.PKCS8, k.PKCS8) || !bytes.Equal(again.PublicKey, k.PublicKey) {
		t.Errorf("%s: what is kept is not taken as it is: %v", k.Spec, err)
	}
	if k.Spec == "ECC_SECG_P256K1" { // the standard library does not support this curve
		return
	}
	parsed, err := x509.ParsePKCS8PrivateKey(k.PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	if public, err := x509.MarshalPKIXPublicKey(parsed.(crypto.Signer).Public()); err != nil || !bytes.Equal(public, k.PublicKey) {
		t.Errorf("%s: the public key is another: %v", k.Spec, err)
	}
}
