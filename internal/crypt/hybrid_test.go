package crypt

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// hybrids is the OAEP algorithm that encrypts the AES key in each hybrid algorithm.
var hybrids = map[string]string{"RSA_AES_KEY_WRAP_SHA_1": "RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256": "RSAES_OAEP_SHA_256"}

// opensslKeyWrap wraps material under an AES key of 16, 24 or 32 bytes.
func opensslKeyWrap(t *testing.T, sessionKey, material []byte) []byte {
	t.Helper()
	cipher := map[int]string{16: "-id-aes128-wrap-pad", 24: "-id-aes192-wrap-pad", 32: "-id-aes256-wrap-pad"}[len(sessionKey)]
	return openssl(t, material, "enc", cipher, "-K", hex.EncodeToString(sessionKey), "-iv", "A65959A6")
}

// Material wrapped by OpenSSL unwraps with the right key pair and algorithm only. The sizes are typical of
// private keys.
func TestUnwrapHybrid(t *testing.T) {
	for spec := range wrappingKeys {
		w := wrappingKey(t, spec)
		size := w.private.Size()
		for algorithm, oaep := range hybrids {
			sessionKey := Random(sessionKeySize)
			first := opensslWrap(t, w, oaep, sessionKey)
			for _, n := range []int{16, 17, 67, 138, 185, 241, 1219, 2375} {
				material := Random(n)
				got, err := w.Unwrap(algorithm, append(bytes.Clone(first), opensslKeyWrap(t, sessionKey, material)...))
				if err != nil || !bytes.Equal(got, material) {
					t.Errorf("%s, %s: %d bytes: %d, %v", spec, algorithm, n, len(got), err)
				}
			}
			wrapped := append(bytes.Clone(first), opensslKeyWrap(t, sessionKey, countingBytes(138))...)
			for other := range hybrids {
				if other != algorithm {
					wantNoUnwrap(t, "as "+other, w, other, wrapped)
				}
			}
			wantNoUnwrap(t, "as "+oaep, w, oaep, wrapped)
			wantNoUnwrap(t, "OAEP alone", w, algorithm, opensslWrap(t, w, oaep, countingBytes(32)))
			for n := size - 1; n < len(wrapped); n += 13 {
				wantNoUnwrap(t, "truncated", w, algorithm, wrapped[:n])
			}
			for _, more := range []int{1, 7, 8, 16, 6144 - len(wrapped)} {
				wantNoUnwrap(t, "with more bytes", w, algorithm, append(bytes.Clone(wrapped), make([]byte, more)...))
			}
			wantNoUnwrap(t, "nothing", w, algorithm, nil)
			for bit := 3; bit < 8*len(wrapped); bit += 8 * size / 30 {
				damaged := bytes.Clone(wrapped)
				damaged[bit/8] ^= 1 << (bit % 8)
				wantNoUnwrap(t, "a flipped bit", w, algorithm, damaged)
			}
		}
	}
}

// The AES key must have 256 bits. Other sizes count as wrong keys.
func TestUnwrapHybridKeySizes(t *testing.T) {
	w := wrappingKey(t, "RSA_2048")
	for _, n := range []int{16, 24} {
		sessionKey := Random(n)
		wrapped := append(opensslWrap(t, w, "RSAES_OAEP_SHA_256", sessionKey), opensslKeyWrap(t, sessionKey, countingBytes(138))...)
		wantNoUnwrap(t, "a shorter AES key", w, "RSA_AES_KEY_WRAP_SHA_256", wrapped)
	}
	for _, n := range []int{0, 1, 31, 33, 64} {
		wrapped := append(oaep(t, w, Random(n)), opensslKeyWrap(t, Random(32), countingBytes(138))...)
		wantNoUnwrap(t, "something else than an AES key", w, "RSA_AES_KEY_WRAP_SHA_256", wrapped)
	}
	// A longer key is not truncated.
	sessionKey := Random(sessionKeySize)
	for _, more := range []int{1, 16, 32} {
		wrapped := append(oaep(t, w, append(bytes.Clone(sessionKey), Random(more)...)), opensslKeyWrap(t, sessionKey, countingBytes(138))...)
		wantNoUnwrap(t, "a longer AES key", w, "RSA_AES_KEY_WRAP_SHA_256", wrapped)
	}
	// The key that replaces a wrong one is not constant.
	for _, guess := range [][]byte{make([]byte, 32), bytes.Repeat([]byte{0xff}, 32), countingBytes(32)} {
		wrapped := append(Random(256), opensslKeyWrap(t, guess, countingBytes(138))...)
		wrapped[0] = 0
		wantNoUnwrap(t, "a guessed key", w, "RSA_AES_KEY_WRAP_SHA_256", wrapped)
	}
}

func oaep(t *testing.T, w *WrappingKey, message []byte) []byte {
	t.Helper()
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &w.private.PublicKey, message, nil)
	if err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// Wycheproof's vectors for AES key wrap with padding. Vectors with shorter AES keys or less than 9 bytes are
// valid there and rejected here, because no private key is so short.
func TestWycheproofKeyWrap(t *testing.T) {
	text, err := fs.ReadFile(wycheproof.TestVectors, "aes_kwp_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		TestGroups []struct {
			Tests []struct {
				ID           int `json:"tcId"`
				Comment      string
				Key, Msg, CT hexBytes
				Result       string
			}
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	w := wrappingKey(t, "RSA_2048")
	ran := map[bool]int{}
	for _, g := range v.TestGroups {
		for _, test := range g.Tests {
			got, err := w.Unwrap("RSA_AES_KEY_WRAP_SHA_256", append(oaep(t, w, test.Key), test.CT...))
			opened := err == nil && bytes.Equal(got, test.Msg)
			want := test.Result == "valid" && len(test.Key) == sessionKeySize && len(test.Msg) > 8
			if opened != want || !opened && err != ErrUnwrap {
				t.Errorf("%d (%s, %s): %x, %v", test.ID, test.Comment, test.Result, got, err)
			}
			ran[want]++
		}
	}
	if ran[true] < 17 || ran[false] < 200 {
		t.Errorf("only %v vectors ran", ran)
	}
	t.Attr("ran", fmt.Sprintf("%d vectors of Wycheproof for AES key wrap with padding", ran[true]+ran[false]))
}
