package crypt

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// A signer is a key of a family that signs.
type signer interface {
	Pair
	Sign(algorithm string, message []byte, prepared bool) ([]byte, error)
	Verify(algorithm string, message []byte, prepared bool, signature []byte) error
}

// signing lists the algorithms of each signing spec with the hash for digests, or 0 if digests cannot be
// signed.
var signing = map[string]map[string]crypto.Hash{
	"RSA_2048": {
		"RSASSA_PSS_SHA_256": crypto.SHA256, "RSASSA_PSS_SHA_384": crypto.SHA384, "RSASSA_PSS_SHA_512": crypto.SHA512,
		"RSASSA_PKCS1_V1_5_SHA_256": crypto.SHA256, "RSASSA_PKCS1_V1_5_SHA_384": crypto.SHA384, "RSASSA_PKCS1_V1_5_SHA_512": crypto.SHA512,
	},
	"ECC_NIST_P256":         {"ECDSA_SHA_256": crypto.SHA256},
	"ECC_NIST_P384":         {"ECDSA_SHA_384": crypto.SHA384},
	"ECC_NIST_P521":         {"ECDSA_SHA_512": crypto.SHA512},
	"ECC_SECG_P256K1":       {"ECDSA_SHA_256": crypto.SHA256},
	"ECC_NIST_EDWARDS25519": {"ED25519_SHA_512": 0, "ED25519_PH_SHA_512": 0},
	"ML_DSA_44":             {"ML_DSA_SHAKE_256": 0},
	"ML_DSA_65":             {"ML_DSA_SHAKE_256": 0},
	"ML_DSA_87":             {"ML_DSA_SHAKE_256": 0},
}

func TestSignatures(t *testing.T) {
	message := []byte("a message of any length")
	for spec, algorithms := range signing {
		k, other := openNew(t, spec).(signer), openNew(t, spec).(signer)
		for algorithm, h := range algorithms {
			signature, err := k.Sign(algorithm, message, false)
			if err != nil {
				t.Fatal(spec, algorithm, err)
			}
			refused := func(why string, err error) {
				t.Helper()
				if err != ErrSignature {
					t.Errorf("%s %s: %s: %v", spec, algorithm, why, err)
				}
			}
			if err := k.Verify(algorithm, message, false, signature); err != nil {
				t.Errorf("%s %s: %v", spec, algorithm, err)
			}
			refused("another message", k.Verify(algorithm, message[1:], false, signature))
			refused("another key", other.Verify(algorithm, message, false, signature))
			refused("a shorter signature", k.Verify(algorithm, message, false, signature[:len(signature)-1]))
			refused("no signature", k.Verify(algorithm, message, false, nil))
			for _, at := range []int{len(signature) / 2, len(signature) - 1} {
				damaged := bytes.Clone(signature)
				damaged[at] ^= 1
				refused("a flipped bit", k.Verify(algorithm, message, false, damaged))
			}
			for otherAlgorithm := range algorithms {
				if otherAlgorithm != algorithm {
					refused(otherAlgorithm, k.Verify(otherAlgorithm, message, false, signature))
				}
			}
			if h != 0 {
				digest := hashUnless(false, h, message)
				byDigest, err := k.Sign(algorithm, digest, true)
				if err != nil || k.Verify(algorithm, message, false, byDigest) != nil || k.Verify(algorithm, digest, true, signature) != nil {
					t.Errorf("%s %s: a message and its digest are not the same: %v", spec, algorithm, err)
				}
				refused("a digest as a message", k.Verify(algorithm, digest, false, signature))
			}
		}
	}
}

func openNew(t testing.TB, spec string) Key {
	t.Helper()
	k, err := Open(spec, generate(t, spec))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestUnknownAlgorithm(t *testing.T) {
	for _, spec := range []string{"RSA_2048", "ECC_NIST_EDWARDS25519"} {
		k := openNew(t, spec).(signer)
		for _, algorithm := range []string{"", "RSASSA_PSS", "RSASSA_PSS_SHA_1", "ED25519"} {
			if _, err := k.Sign(algorithm, []byte("m"), false); err == nil {
				t.Errorf("%s signs with %q", spec, algorithm)
			}
			if err := k.Verify(algorithm, []byte("m"), false, []byte("s")); err == nil || err == ErrSignature {
				t.Errorf("%s verifies with %q: %v", spec, algorithm, err)
			}
		}
	}
	if _, err := openNew(t, "RSA_2048").(*RSAKey).Decrypt("RSAES_PKCS1_V1_5", make([]byte, 256)); err == nil || err == ErrCiphertext {
		t.Errorf("%v", err)
	}
}

// The vector of RFC 8032, section 7.3.
func TestEd25519ph(t *testing.T) {
	seed, _ := hex.DecodeString("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
	want := "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41" + "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
	prefix, _ := hex.DecodeString("302e020100300506032b657004220420") // RFC 8410, section 7
	k, err := Open("ECC_NIST_EDWARDS25519", append(prefix, seed...))
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.(signer).Sign("ED25519_PH_SHA_512", []byte("abc"), true)
	if err != nil || hex.EncodeToString(got) != want {
		t.Errorf("%x, %v", got, err)
	}
}

// Agree accepts public keys with an uncompressed or compressed point, and no other form (RFC 5480, section
// 2.2).
func TestAgreeWithPoints(t *testing.T) {
	for _, spec := range []string{"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"} {
		a, b := openNew(t, spec).(*NISTKey), openNew(t, spec).(*NISTKey)
		algorithm, point := splitSPKI(b.PublicKey())
		size := len(point) / 2
		odd := point[2*size] & 1
		peer := func(point []byte) []byte {
			var spki cryptobyte.Builder
			spki.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(algorithm)
				b.AddASN1BitString(point)
			})
			return spki.BytesOrPanic()
		}
		want, err := a.Agree(b.PublicKey())
		if got, err2 := a.Agree(peer(append([]byte{2 + odd}, point[1:1+size]...))); err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s, compressed: %x, not %x: %v, %v", spec, got, want, err, err2)
		}
		if got, err := a.Agree(peer(append([]byte{3 - odd}, point[1:1+size]...))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s, the negated point, which has the same x: %x, %v", spec, got, err)
		}
		off := append([]byte{2}, bytes.Repeat([]byte{0xff}, size)...) // not below the prime of the field
		for name, octets := range map[string][]byte{
			"hybrid": append([]byte{6 + odd}, point[1:]...), "infinity": {0}, "no point": {}, "compressed, off the curve": off,
			"uncompressed, off the curve": append(bytes.Clone(point[:2*size]), point[2*size]^1), "half a point": point[:1+size],
			"compressed, too long": append([]byte{2 + odd}, point[1:]...),
		} {
			if _, err := a.Agree(peer(octets)); err != ErrPublicKey {
				t.Errorf("%s, %s: %v", spec, name, err)
			}
		}
	}
}

// Both sides get the same secret. For ML-KEM, a modified ciphertext gives another secret.
func TestSharedSecrets(t *testing.T) {
	for _, spec := range []string{"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"} {
		a, b := openNew(t, spec).(*NISTKey), openNew(t, spec).(*NISTKey)
		one, err1 := a.Agree(b.PublicKey())
		two, err2 := b.Agree(a.PublicKey())
		if err1 != nil || err2 != nil || !bytes.Equal(one, two) || len(one) != (a.private.Params().BitSize+7)/8 {
			t.Errorf("%s: %x, %x, %v, %v", spec, one, two, err1, err2)
		}
		for _, peer := range [][]byte{nil, b.PublicKey()[1:], append(bytes.Clone(b.PublicKey()), 0), openNew(t, "RSA_2048").(Pair).PublicKey(), openNew(t, "ECC_SECG_P256K1").(Pair).PublicKey(), openNew(t, map[bool]string{true: "ECC_NIST_P384", false: "ECC_NIST_P256"}[spec == "ECC_NIST_P256"]).(Pair).PublicKey()} {
			if _, err := a.Agree(peer); err != ErrPublicKey {
				t.Errorf("%s with %x: %v", spec, peer, err)
			}
		}
	}
	for _, spec := range []string{"ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"} {
		k, other := openNew(t, spec).(*MLKEMKey), openNew(t, spec).(*MLKEMKey)
		secret, ciphertext := k.Encapsulate()
		got, err := k.Decapsulate(ciphertext)
		if err != nil || !bytes.Equal(got, secret) || len(secret) != 32 {
			t.Errorf("%s: %x, %x, %v", spec, got, secret, err)
		}
		if elsewhere, err := other.Decapsulate(ciphertext); err != nil || bytes.Equal(elsewhere, secret) {
			t.Errorf("%s: the same secret under another key, %v", spec, err)
		}
		ciphertext[0] ^= 1
		if changed, err := k.Decapsulate(ciphertext); err != nil || bytes.Equal(changed, secret) || len(changed) != 32 {
			t.Errorf("%s: the same secret of a changed ciphertext, %v", spec, err)
		}
		for _, wrong := range [][]byte{nil, ciphertext[1:], append(ciphertext, 0)} {
			if _, err := k.Decapsulate(wrong); err != ErrCiphertext {
				t.Errorf("%s of %d bytes: %v", spec, len(wrong), err)
			}
		}
	}
}

// An RSA ciphertext is as long as the modulus. It does not decrypt without its leading zero, nor with another
// one.
func TestRSACiphertextLength(t *testing.T) {
	k := openNew(t, "RSA_2048").(*RSAKey)
	for algorithm := range digests {
		var ciphertext []byte
		for ciphertext == nil || ciphertext[0] != 0 {
			var err error
			if ciphertext, err = k.Encrypt(algorithm, []byte("plaintext")); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := k.Decrypt(algorithm, ciphertext); err != nil || string(got) != "plaintext" {
			t.Errorf("%s: %q, %v", algorithm, got, err)
		}
		for _, wrong := range [][]byte{ciphertext[1:], append([]byte{0}, ciphertext...), nil} {
			if got, err := k.Decrypt(algorithm, wrong); got != nil || err != ErrCiphertext {
				t.Errorf("%s: %d bytes: %q, %v", algorithm, len(wrong), got, err)
			}
		}
	}
}
