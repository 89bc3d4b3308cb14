package crypt

import (
	"bytes"
	"testing"
)

// The first ID is also in testdata/golden.py. Both were computed with OpenSSL 3:
//
//	openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:000102…1e1f \
//	    -kdfopt info:'keyhold material id v1KEY-ID' HKDF
func TestMaterialID(t *testing.T) {
	if golden(t)["material id"] != testMaterialID {
		t.Error("testdata/golden.txt has another material ID")
	}
	for keyID, want := range map[string]string{
		testKeyID:                              testMaterialID,
		"mrk-1234abcd12ab34cd56ef1234567890ab": "3b21a2c901a20faa4048d8e5e4d55ced6aa9976b4b261bd80a52a61f31e4b226",
	} {
		if got, err := MaterialID(keyID, countingBytes(32)); got != want || err != nil {
			t.Errorf("%s: %s, %v", keyID, got, err)
		}
	}
	flipped := countingBytes(32)
	flipped[0] ^= 1
	for name, material := range map[string][]byte{"flipped": flipped, "short": countingBytes(31), "long": countingBytes(33), "none": nil} {
		if got, err := MaterialID(testKeyID, material); got == testMaterialID || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func TestNewSymmetricMaterial(t *testing.T) {
	a, b := NewSymmetricMaterial(), NewSymmetricMaterial()
	if len(a) != 32 || len(b) != 32 || bytes.Equal(a, b) || bytes.Equal(a, make([]byte, 32)) {
		t.Errorf("%x and %x", a, b)
	}
}
