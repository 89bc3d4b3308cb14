package sigv4

import (
	"strings"
	"testing"
)

// BenchmarkVerify verifies a request of usual size with a signing key in cache.
func BenchmarkVerify(b *testing.B) {
	for _, c := range []struct {
		name    string
		signing signing
		good    bool
	}{
		{"good", signing{}, true},
		{"wrong", signing{secret: "wrong"}, false},
		{"unknown", signing{id: "AKIAIOSFODNN7EXAMPLF"}, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := strings.Repeat("x", 600)
			r := unsignedRequest(body)
			r.Header.Set("Accept-Encoding", "identity")
			r.Header.Set("Amz-Sdk-Invocation-Id", "5a8f5a9e-6a5c-4f0e-9d9b-0c8c5d6c7f10")
			r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
			c.signing.sign(b, r, body)
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
