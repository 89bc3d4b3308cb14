package crypt

import (
	"bytes"
	"testing"
)

// No bytes are a valid ciphertext unless Encrypt made them. A ciphertext from Encrypt decrypts to its
// plaintext, and with a flipped bit it does not open. Each process uses other material, so that the fuzzer
// cannot reuse valid blobs from its other processes.
func FuzzBlob(f *testing.F) {
	material := NewSymmetricMaterial()
	blob, err := encrypt(testHeader(), material, []byte("attack at dawn"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, "", uint(0))
	f.Add(blob[:172], "key", uint(1))
	f.Add(append(bytes.Clone(blob), 0), "key", uint(1000))
	f.Fuzz(func(t *testing.T, data []byte, word string, bit uint) {
		context := map[string]string{word: string(data)}
		for _, arbitrary := range [][]byte{data, append([]byte{1}, data...), append(bytes.Clone(blob[:145]), data...)} {
			h, err := ParseBlob(arbitrary)
			if (err == nil) != (len(arbitrary) >= 173 && arbitrary[0] == 1) || err != nil && h != (BlobHeader{}) {
				t.Errorf("%d bytes are parsed to %+v, %v", len(arbitrary), h, err)
			}
			if !bytes.Equal(arbitrary, blob) {
				wantRefused(t, "arbitrary bytes", material, arbitrary, nil)
			}
			wantRefused(t, "with a context", material, arbitrary, context)
		}
		sealed, err := encrypt(testHeader(), material, data, context)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decrypt(material, sealed, context); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q is opened to %q, %v", data, got, err)
		}
		bit %= uint(8 * len(sealed))
		sealed[bit/8] ^= 1 << (bit % 8)
		wantRefused(t, "a flipped bit", material, sealed, context)
	})
}
