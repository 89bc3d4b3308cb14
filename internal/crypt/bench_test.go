package crypt

import (
	"strings"
	"testing"
)

// BenchmarkDecrypt measures the cryptography of Decrypt.
func BenchmarkDecrypt(b *testing.B) {
	material := NewSymmetricMaterial()
	k, err := NewSymmetricKey(material)
	if err != nil {
		b.Fatal(err)
	}
	context := map[string]string{"tenant": "t-0001", "aws:s3:arn": "arn:aws:s3:::" + strings.Repeat("o", 208)}
	h := BlobHeader{Account: strings.Repeat("1", 12), KeyID: strings.Repeat("a", 36), MaterialID: strings.Repeat("0", 64)}
	blob, err := encrypt(h, material, make([]byte, 64), context)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m, err := ParseMessage(blob, context)
		if err != nil {
			b.Fatal(err)
		}
		if _, err = m.Decrypt(k); err != nil {
			b.Fatal(err)
		}
	}
}
