package byok_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/crypt"
)

const (
	keyID         = "1234abcd-12ab-34cd-56ef-1234567890ab"
	multiRegionID = "mrk-1234abcd12ab34cd56ef1234567890ab"
)

// countingBytes returns the bytes 00, 01, … of key material for tests.
func countingBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// The wanted IDs are those of OpenSSL 3:
//
//	openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:000102…1e1f \
//	    -kdfopt info:'keyhold material id v1KEY-ID' HKDF
func TestKeyMaterialID(t *testing.T) {
	for id, want := range map[string]string{
		keyID:         "c726ada0238eaf0809d816a5819d139867c5e28e3945a433f8f63773e0e6c65b",
		multiRegionID: "3b21a2c901a20faa4048d8e5e4d55ced6aa9976b4b261bd80a52a61f31e4b226",
	} {
		material := countingBytes(32)
		got, err := byok.KeyMaterialID(id, material)
		if got != want || err != nil {
			t.Errorf("%s: %s, %v", id, got, err)
		}
		if !bytes.Equal(material, countingBytes(32)) {
			t.Error("KeyMaterialID changed the material")
		}
	}
}

// The owner's function and the server's function are independent.
func TestKeyMaterialIDIsTheServers(t *testing.T) {
	for _, size := range []int{1, 16, 32, 64, 4096} {
		material := make([]byte, size)
		rand.Read(material)
		for _, id := range []string{keyID, multiRegionID} {
			ours, err1 := byok.KeyMaterialID(id, material)
			theirs, err2 := crypt.MaterialID(id, material)
			if ours != theirs || err1 != nil || err2 != nil {
				t.Errorf("%d bytes in %s: %s, %v and %s, %v", size, id, ours, err1, theirs, err2)
			}
		}
	}
}

func TestKeyMaterialIDRefuses(t *testing.T) {
	for _, id := range []string{"", "arn:aws:kms:eu-west-2:111122223333:key/" + keyID, "alias/mine", keyID + "\n"} {
		if got, err := byok.KeyMaterialID(id, countingBytes(32)); got != "" || err == nil {
			t.Errorf("%q: %s", id, got)
		}
	}
}
