package sigv4

import (
	"strings"
	"testing"
)

// BenchmarkVerify verifies a request of usual size. The cache has the signing key.
func BenchmarkVerify(b *testing.B) {
	for _, c := range []struct {
		name   string
		signer signer
		good   bool
	}{
		{"good", signer{}, true},
		{"wrong", signer{secret: "wrong"}, false},
		{"unknown", signer{id: "AKIAIOSFODNN7EXAMPLF"}, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := strings.Repeat("x", 600)
			r := unsignedRequest(body)
			r.Header.Set("Accept-Encoding", "identity")
			r.Header.Set("Amz-Sdk-Invocation-Id", "5a8f5a9e-6a5c-4f0e-9d9b-0c8c5d6c7f10")
			r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
			c.signer.sign(b, r, body)
			v, raw := NewVerifier(config()), []byte(body)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verify(v, r, raw, "kms"); (err == nil) != c.good {
					b.Fatal(err)
				}
			}
		})
	}
}
