package crypt

import "testing"

// BenchmarkSign measures the cryptography of Sign, BenchmarkMAC the cryptography of GenerateMac, and
// BenchmarkOpen the first use of a key.
func BenchmarkSign(b *testing.B) {
	for _, c := range []struct{ spec, algorithm string }{
		{"RSA_2048", "RSASSA_PSS_SHA_256"}, {"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"}, {"ECC_NIST_P256", "ECDSA_SHA_256"},
		{"ECC_SECG_P256K1", "ECDSA_SHA_256"}, {"ECC_NIST_EDWARDS25519", "ED25519_SHA_512"}, {"ML_DSA_65", "ML_DSA_SHAKE_256"},
	} {
		b.Run(c.spec+"/"+c.algorithm, func(b *testing.B) {
			k, message := openNew(b, c.spec).(signer), make([]byte, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign(c.algorithm, message, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMAC(b *testing.B) {
	k, message := openNew(b, "HMAC_256").(*HMACKey), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		k.MAC(message)
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, spec := range specs {
		b.Run(spec, func(b *testing.B) {
			material := generate(b, spec)
			b.ReportAllocs()
			for b.Loop() {
				Secretly(func() {
					if _, err := Open(spec, material); err != nil {
						b.Fatal(err)
					}
				})
			}
		})
	}
}
