package crypt

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// wrappingKeys return key pairs for tests. Pairs of 4096 bits take long to generate.
var wrappingKeys = map[string]func() (*WrappingKey, error){
	"RSA_2048": sync.OnceValues(func() (*WrappingKey, error) { return NewWrappingKey("RSA_2048") }),
	"RSA_3072": sync.OnceValues(func() (*WrappingKey, error) { return NewWrappingKey("RSA_3072") }),
	"RSA_4096": sync.OnceValues(func() (*WrappingKey, error) { return NewWrappingKey("RSA_4096") }),
}

// digests are OpenSSL's names for the hashes of the wrapping algorithms.
var digests = map[string]string{"RSAES_OAEP_SHA_1": "sha1", "RSAES_OAEP_SHA_256": "sha256"}

func wrappingKey(t *testing.T, spec string) *WrappingKey {
	t.Helper()
	w, err := wrappingKeys[spec]()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// opensslWrap wraps material with OpenSSL under the public half of a key pair.
func opensslWrap(t *testing.T, w *WrappingKey, algorithm string, material []byte) []byte {
	t.Helper()
	public, err := w.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "public.der")
	if err := os.WriteFile(file, public, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", file,
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+digests[algorithm], "-pkeyopt", "rsa_mgf1_md:"+digests[algorithm])
	cmd.Stdin, cmd.Stderr = bytes.NewReader(material), os.Stderr
	wrapped, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

func wantNoUnwrap(t *testing.T, what string, w *WrappingKey, algorithm string, wrapped []byte) {
	t.Helper()
	if material, err := w.Unwrap(algorithm, wrapped); material != nil || err != ErrUnwrap {
		t.Errorf("%s: %d bytes, %v", what, len(material), err)
	}
}

// Material wrapped by OpenSSL unwraps with the right key pair and algorithm only.
func TestUnwrap(t *testing.T) {
	for spec, bits := range map[string]int{"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096} {
		w := wrappingKey(t, spec)
		if w.Spec() != spec || w.private.N.BitLen() != bits || w.private.E != 65537 {
			t.Errorf("%s: %s of %d bits with exponent %d", spec, w.Spec(), w.private.N.BitLen(), w.private.E)
		}
		for algorithm := range digests {
			t.Run(spec+"/"+algorithm, func(t *testing.T) {
				for _, size := range []int{1, 32, bits/8 - 66} {
					material := bytes.Repeat([]byte{0xa5}, size)
					got, err := w.Unwrap(algorithm, opensslWrap(t, w, algorithm, material))
					if err != nil || !bytes.Equal(got, material) {
						t.Errorf("%d bytes: %x, %v", size, got, err)
					}
				}
				wrapped := opensslWrap(t, w, algorithm, countingBytes(32))
				for other := range digests {
					if other != algorithm {
						wantNoUnwrap(t, "as "+other, w, other, wrapped)
					}
				}
				for other := range wrappingKeys {
					if other != spec {
						wantNoUnwrap(t, "with the pair "+other, wrappingKey(t, other), algorithm, wrapped)
					}
				}
				for _, n := range []int{0, 1, len(wrapped) / 2, len(wrapped) - 1} {
					wantNoUnwrap(t, "truncated", w, algorithm, wrapped[:n])
				}
				wantNoUnwrap(t, "nil", w, algorithm, nil)
				wantNoUnwrap(t, "with a byte after", w, algorithm, append(bytes.Clone(wrapped), 0))
				wantNoUnwrap(t, "with a byte before", w, algorithm, append([]byte{0}, wrapped...))
				wantNoUnwrap(t, "as long as the API lets it be", w, algorithm, make([]byte, 6144))
				wantNoUnwrap(t, "zeros", w, algorithm, make([]byte, len(wrapped)))
				wantNoUnwrap(t, "the modulus", w, algorithm, w.private.N.Bytes())
				wantNoUnwrap(t, "over the modulus", w, algorithm, bytes.Repeat([]byte{0xff}, len(wrapped)))
				for bit := 0; bit < 8*len(wrapped); bit += 97 {
					damaged := bytes.Clone(wrapped)
					damaged[bit/8] ^= 1 << (bit % 8)
					wantNoUnwrap(t, "a flipped bit", w, algorithm, damaged)
				}
			})
		}
	}
}

func TestUnwrapWithAnotherPair(t *testing.T) {
	w := wrappingKey(t, "RSA_2048")
	other, err := NewWrappingKey("RSA_2048")
	if err != nil {
		t.Fatal(err)
	}
	wantNoUnwrap(t, "another pair", other, "RSAES_OAEP_SHA_256", opensslWrap(t, w, "RSAES_OAEP_SHA_256", countingBytes(32)))
	a, _ := w.PublicKey()
	b, _ := other.PublicKey()
	if bytes.Equal(a, b) {
		t.Error("two pairs are the same")
	}
}

// A ciphertext that is not as long as the modulus is rejected, even if only its leading zeros are missing (RFC
// 8017, section 7.1.2, step 1b).
func TestUnwrapWantsTheFullLength(t *testing.T) {
	w := wrappingKey(t, "RSA_2048")
	wrapped := []byte{1}
	for wrapped[0] != 0 { // one of 256 begins with zero
		var err error
		wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &w.private.PublicKey, countingBytes(32), nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.Unwrap("RSAES_OAEP_SHA_256", wrapped); err != nil || !bytes.Equal(got, countingBytes(32)) {
		t.Errorf("with its leading zero: %x, %v", got, err)
	}
	wantNoUnwrap(t, "without its leading zero", w, "RSAES_OAEP_SHA_256", wrapped[1:])
}

// A label that is not empty, and the obsolete padding.
func TestUnwrapOtherPaddings(t *testing.T) {
	w := wrappingKey(t, "RSA_2048")
	labelled, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &w.private.PublicKey, countingBytes(32), []byte("label"))
	if err != nil {
		t.Fatal(err)
	}
	wantNoUnwrap(t, "with a label", w, "RSAES_OAEP_SHA_256", labelled)
	//lint:ignore SA1019 it must not open
	pkcs1, err := rsa.EncryptPKCS1v15(rand.Reader, &w.private.PublicKey, countingBytes(32))
	if err != nil {
		t.Fatal(err)
	}
	for algorithm := range digests {
		wantNoUnwrap(t, "PKCS #1 v1.5", w, algorithm, pkcs1)
	}
}

// An unsupported algorithm or spec is not reported as ErrUnwrap.
func TestUnknownWrapping(t *testing.T) {
	w := wrappingKey(t, "RSA_2048")
	p, q := w.Primes()
	for _, algorithm := range []string{"", "RSAES_PKCS1_V1_5", "RSA_AES_KEY_WRAP", "rsaes_oaep_sha_256"} {
		if material, err := w.Unwrap(algorithm, make([]byte, 256)); material != nil || err == nil || err == ErrUnwrap {
			t.Errorf("%q: %x, %v", algorithm, material, err)
		}
	}
	for _, spec := range []string{"", "RSA_1024", "RSA_8192", "rsa_2048", "SM2"} {
		if w, err := NewWrappingKey(spec); w != nil || err == nil {
			t.Errorf("a pair of %q is made", spec)
		}
		if w, err := RestoreWrappingKey(spec, p, q); w != nil || err == nil {
			t.Errorf("a pair of %q is restored", spec)
		}
	}
}

func TestRestoreWrappingKey(t *testing.T) {
	for spec := range wrappingKeys {
		w := wrappingKey(t, spec)
		wrapped := opensslWrap(t, w, "RSAES_OAEP_SHA_256", countingBytes(32))
		p, q := w.Primes()
		restored, err := RestoreWrappingKey(spec, p, q)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := restored.Unwrap("RSAES_OAEP_SHA_256", wrapped); err != nil || !bytes.Equal(got, countingBytes(32)) {
			t.Errorf("%s: %x, %v", spec, got, err)
		}
		before, err1 := w.PublicKey()
		after, err2 := restored.PublicKey()
		if restored.Spec() != spec || !bytes.Equal(before, after) || err1 != nil || err2 != nil {
			t.Errorf("%s: restored as another: %s, %v, %v", spec, restored.Spec(), err1, err2)
		}
		parsed, err := x509.ParsePKIXPublicKey(after)
		if public, ok := parsed.(*rsa.PublicKey); !ok || !public.Equal(&w.private.PublicKey) || err != nil {
			t.Errorf("%s: the public half is %T, %v", spec, parsed, err)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	w := wrappingKey(t, "RSA_2048")
	p, q := w.Primes()
	_, foreign := wrappingKey(t, "RSA_3072").Primes()
	half := func(b []byte) []byte { return b[:len(b)/2] }
	plus := func(b []byte, n int64) []byte {
		return new(big.Int).Add(new(big.Int).SetBytes(b), big.NewInt(n)).Bytes()
	}
	for name, primes := range map[string][2][]byte{
		"equal":            {p, p},
		"none":             {nil, nil},
		"one":              {p, nil},
		"zeros":            {make([]byte, 128), make([]byte, 128)},
		"1 and N":          {{1}, w.private.N.Bytes()},
		"another size":     {p, foreign},
		"too long":         {append(bytes.Clone(p), 1), q},
		"too short":        {half(p), q},
		"even p":           {plus(p, 1), q},
		"even q":           {p, plus(q, 1)},
		"composite p":      {composite(t), q},
		"both composite":   {composite(t), composite(t)},
		"p + 2":            {plus(p, 2), q},
		"close to another": {p, nextPrime(p)},
	} {
		if w, err := RestoreWrappingKey("RSA_2048", primes[0], primes[1]); w != nil || err == nil {
			t.Errorf("%s: restored", name)
		}
	}
	for _, spec := range []string{"RSA_3072", "RSA_4096"} {
		if w, err := RestoreWrappingKey(spec, p, q); w != nil || err == nil {
			t.Errorf("restored as %s", spec)
		}
	}
}

// composite returns the product of two primes, with the length and size of a prime of a 2048-bit key pair.
func composite(t *testing.T) []byte {
	for {
		a, err1 := rand.Prime(rand.Reader, 512)
		b, err2 := rand.Prime(rand.Reader, 512)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if n := new(big.Int).Mul(a, b).Bytes(); n[0] >= 0xc0 {
			return n
		}
	}
}

func nextPrime(b []byte) []byte {
	n := new(big.Int).SetBytes(b)
	for n.Add(n, big.NewInt(2)); !n.ProbablyPrime(20); n.Add(n, big.NewInt(2)) {
	}
	return n.Bytes()
}
