package service_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/keyhold/keyhold/kmstest"
)

// rawImport sends wrapped material and returns the whole answer without the parts that always
// differ: the request ID and the date.
func rawImport(t *testing.T, s *kmstest.Server, p parameters, wrapped []byte) string {
	t.Helper()
	body := must[[]byte](t)(json.Marshal(map[string]any{
		"KeyId": p.KeyId, "ImportToken": p.ImportToken, "EncryptedKeyMaterial": wrapped, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
	}))
	answer := post(t, s, kmstest.Region, "ImportKeyMaterial", body)
	answer.Header.Del("Date")
	answer.Header.Del("X-Amzn-Requestid")
	text := answer.Status + "\n"
	for _, name := range slices.Sorted(maps.Keys(answer.Header)) {
		text += fmt.Sprintln(name, answer.Header[name])
	}
	return text + string(must[[]byte](t)(io.ReadAll(answer.Body)))
}

// keyWrap is the function W of AES key wrap (NIST SP 800-38F, section 6.1) with any integrity
// value, right or wrong.
func keyWrap(t *testing.T, sessionKey []byte, integrity [8]byte, blocks []byte) []byte {
	t.Helper()
	c := must[cipher.Block](t)(aes.NewCipher(sessionKey))
	out := append(integrity[:], blocks...)
	var b [16]byte
	n := len(blocks) / 8
	for round := range 6 * n {
		i := 8 * (1 + round%n)
		copy(b[:8], out[:8])
		copy(b[8:], out[i:i+8])
		c.Encrypt(b[:], b[:])
		binary.BigEndian.PutUint64(out[:8], binary.BigEndian.Uint64(b[:8])^uint64(round+1))
		copy(out[i:], b[8:])
	}
	return out
}

// alternative returns the integrity value of RFC 5649, section 3, for a number of bytes.
func alternative(n uint32) (v [8]byte) {
	binary.BigEndian.PutUint32(v[:], 0xA65959A6)
	binary.BigEndian.PutUint32(v[4:], n)
	return v
}

// malformedMaterial returns the twelve classes of wrapped material that does not unwrap, with the
// length of valid material. Each function makes a new sample of its class.
func malformedMaterial(t *testing.T, public, foreign *rsa.PublicKey, material []byte) map[string]func() []byte {
	oaep := func(key *rsa.PublicKey, message, label []byte) []byte {
		return must[[]byte](t)(rsa.EncryptOAEP(sha256.New(), rand.Reader, key, message, label))
	}
	kwp := func(sessionKey []byte) []byte {
		return must[[]byte](t)(must[*subtle.KWP](t)(subtle.NewKWP(sessionKey)).Wrap(material))
	}
	padded := append(bytes.Clone(material), make([]byte, -len(material)&7)...)
	// with wraps under an AES key, or under the key that the caller makes from it.
	with := func(wrap func(sessionKey []byte) (first, second []byte)) func() []byte {
		return func() []byte {
			first, second := wrap(newMaterial())
			return append(first, second...)
		}
	}
	flipped := func(b []byte) []byte {
		b[len(b)/2] ^= 1
		return b
	}
	nonzero := bytes.Clone(padded)
	nonzero[len(nonzero)-1] = 1
	return map[string]func() []byte{
		"random bytes": func() []byte {
			b := randomBytes32(256 + 8 + len(padded))
			b[0] = 0 // smaller than any modulus
			return b
		},
		"OAEP damaged":            with(func(k []byte) (a, b []byte) { return flipped(oaep(public, k, nil)), kwp(k) }),
		"OAEP under another pair": with(func(k []byte) (a, b []byte) { return oaep(foreign, k, nil), kwp(k) }),
		"OAEP with a label":       with(func(k []byte) (a, b []byte) { return oaep(public, k, []byte("label")), kwp(k) }),
		"OAEP with another hash": with(func(k []byte) (a, b []byte) {
			return must[[]byte](t)(rsa.EncryptOAEP(sha1.New(), rand.Reader, public, k, nil)), kwp(k)
		}),
		"PKCS #1 v1.5":           with(func(k []byte) (a, b []byte) { return pkcs1v15(t, public, k), kwp(k) }),
		"an AES key of 128 bits": with(func(k []byte) (a, b []byte) { return oaep(public, k[:16], nil), kwp(k[:16]) }),
		"no AES key":             with(func(k []byte) (a, b []byte) { return oaep(public, nil, nil), kwp(k) }),
		"under another AES key":  with(func(k []byte) (a, b []byte) { return oaep(public, k, nil), kwp(newMaterial()) }),
		"the material damaged":   with(func(k []byte) (a, b []byte) { return oaep(public, k, nil), flipped(kwp(k)) }),
		"padding other than zeros": with(func(k []byte) (a, b []byte) {
			return oaep(public, k, nil), keyWrap(t, k, alternative(uint32(len(material))), nonzero)
		}),
		"another length of the material": with(func(k []byte) (a, b []byte) {
			return oaep(public, k, nil), keyWrap(t, k, alternative(uint32(len(padded)+8)), padded)
		}),
	}
}

func pkcs1v15(t *testing.T, public *rsa.PublicKey, message []byte) []byte {
	//lint:ignore SA1019 it must not open
	return must[[]byte](t)(rsa.EncryptPKCS1v15(rand.Reader, public, message))
}

func randomBytes32(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// All kinds of malformed wrapped material get the same answer, byte for byte. KEYHOLD_MALFORMED
// is the number of samples of each class.
func TestMalformedAnswersAreOne(t *testing.T) {
	s := kmstest.Start(t)
	k := importedKey{id: createOf(t, s, "RSA_2048", "SIGN_VERIFY")}
	p := getParameters(t, s, k.id, hybrid2, types.WrappingKeySpecRsa2048)
	material := rsaMaterial(t, 2048)
	for len(material)%8 == 0 {
		material = rsaMaterial(t, 2048) // so that there is padding to damage
	}
	public := must[any](t)(x509.ParsePKIXPublicKey(p.PublicKey)).(*rsa.PublicKey)
	foreign := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048)).PublicKey
	classes := malformedMaterial(t, public, &foreign, material)
	if len(classes) != 12 {
		t.Errorf("there are %d classes", len(classes))
	}
	n := 3
	if text := os.Getenv("KEYHOLD_MALFORMED"); text != "" {
		n = must[int](t)(strconv.Atoi(text))
	}
	answers := map[string]string{}
	for name, make := range classes {
		for range n {
			wrapped := make()
			if len(wrapped) != 256+8+(len(material)+7)/8*8 {
				t.Fatalf("%s: %d bytes, which tell it from the others", name, len(wrapped))
			}
			answers[rawImport(t, s, p, wrapped)] = name
		}
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers:", len(answers))
	}
	for answer, name := range answers {
		if !bytes.Contains([]byte(answer), []byte("InvalidCiphertextException")) || len(answers) > 1 {
			t.Errorf("%s:\n%s", name, answer)
		}
	}
	wantState(t, s, k.id, types.KeyStatePendingImport)
	// The malformed wrappings have one fault each: without the fault they are accepted.
	sessionKey := newMaterial()
	right := append(must[[]byte](t)(rsa.EncryptOAEP(sha256.New(), rand.Reader, public, sessionKey, nil)),
		keyWrap(t, sessionKey, alternative(uint32(len(material))), append(bytes.Clone(material), make([]byte, -len(material)&7)...))...)
	if answer := rawImport(t, s, p, right); !bytes.Contains([]byte(answer), []byte("200 OK")) {
		t.Errorf("the right one: %s", answer)
	}
	t.Logf("%d classes, %d of each", len(classes), n)
}
