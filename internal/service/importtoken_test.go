package service

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// tokenFixture returns a call about a key of origin EXTERNAL, in a service of its own.
func tokenFixture(t testing.TB, spec key.Spec) (*call, key.Key) {
	t.Helper()
	backend, slots, events := memory.New(), memory.NewSlots(), audit.New(audit.Discard{}, audit.Options{})
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	s, err := Open(t.Context(), Config{
		Backend: backend, Slots: slots, Root: seal.NewEphemeralRoot(), Audit: events, Clock: NewClock(func() time.Time { return now }), Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(events.Close(), s.Close(), slots.Close(), backend.Close()); err != nil {
			t.Error(err)
		}
	})
	k := key.Key{ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Account: "111122223333", Region: "us-east-1", Spec: spec, Origin: key.OriginExternal, State: key.PendingImport}
	return &call{Service: s, ctx: t.Context(), now: now, keys: []key.Key{k}}, k
}

// newToken returns the content of a token, and the token, for RSA_2048.
func newToken(t testing.TB, c *call, k key.Key, algorithm string) (*crypt.WrappingKey, []byte) {
	t.Helper()
	pair, err := crypt.NewWrappingKey("RSA_2048")
	if err != nil {
		t.Fatal(err)
	}
	content := importToken{KeyARN: k.ARN(), Algorithm: algorithm, Spec: "RSA_2048", NotAfter: c.now.Add(tokenValidity)}
	content.P, content.Q = pair.Primes()
	token, err := c.sealToken(content)
	if err != nil {
		t.Fatal(err)
	}
	return pair, token
}

// count returns a number from the environment: the test suite runs few iterations, and a target
// of the Makefile runs many.
func count(t testing.TB, variable string, few int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a positive number", variable, text)
	}
	return n
}

// wantRefusedToken checks that a token is refused with an error of the API.
func wantRefusedToken(t testing.TB, c *call, k key.Key, token []byte) {
	t.Helper()
	got, err := c.openToken(token, k)
	e, ok := errors.AsType[*key.Error](err)
	if !ok || e.Kind != key.KindInvalidImportToken && e.Kind != key.KindExpiredImportToken || got.P != nil || got.Q != nil {
		t.Fatalf("%x: %v", token, err)
	}
}

// No mutated token is accepted. KEYHOLD_TOKENS is the number of mutations.
func TestMutatedTokens(t *testing.T) {
	c, k := tokenFixture(t, "ECC_NIST_P256")
	other := k
	other.ID = "4321abcd-12ab-34cd-56ef-1234567890ab"
	_, token := newToken(t, c, k, "RSAES_OAEP_SHA_256")
	_, second := newToken(t, c, k, "RSA_AES_KEY_WRAP_SHA_256")
	_, foreign := newToken(t, c, other, "RSAES_OAEP_SHA_256")
	if _, err := c.openToken(token, k); err != nil {
		t.Fatal(err)
	}
	wantRefusedToken(t, c, k, foreign)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, seed))
	n := count(t, "KEYHOLD_TOKENS", 20_000)
	for range n {
		mutated := mutate(r, token, second, foreign)
		if bytes.Equal(mutated, token) || bytes.Equal(mutated, second) {
			continue
		}
		wantRefusedToken(t, c, k, mutated)
	}
	t.Logf("%d mutated tokens, of the seed %d", n, seed)
}

// mutate returns a modified token.
func mutate(r *rand.Rand, token, second, foreign []byte) []byte {
	m := bytes.Clone(token)
	switch r.IntN(8) {
	case 0: // flip some bits
		for range 1 + r.IntN(8) {
			m[r.IntN(len(m))] ^= 1 << r.IntN(8)
		}
	case 1: // cut off the end
		m = m[:r.IntN(len(m))]
	case 2: // cut off the beginning
		m = m[1+r.IntN(len(m)-1):]
	case 3: // append bytes
		m = append(m, make([]byte, 1+r.IntN(6144-len(m)))...)
	case 4: // change the hour
		binary.BigEndian.PutUint64(m[1:], binary.BigEndian.Uint64(m[1:])+uint64(r.IntN(60)-30))
		m[len(m)-1] ^= byte(r.IntN(2))
	case 5: // combine two valid tokens
		cut := 1 + r.IntN(min(len(token), len(second))-1)
		m = append(m[:cut], second[cut:]...)
		if r.IntN(2) == 0 {
			m = append(bytes.Clone(second[:cut]), token[cut:]...)
		}
	case 6: // append the token of another key
		cut := r.IntN(min(len(token), len(foreign)))
		m = append(m[:cut], foreign[cut:]...)
	case 7: // random bytes after the version
		for i := 1; i < len(m); i++ {
			m[i] = byte(r.Uint32())
		}
	}
	return m
}

// The table of wrappings also applies to tokens: a token that a server with another table issued
// is refused.
func TestWrappingOfATokenIsRefused(t *testing.T) {
	for spec, algorithms := range map[key.Spec][]string{
		"SYMMETRIC_DEFAULT": {"RSAES_PKCS1_V1_5", "SM2PKE", "RSA_AES_KEY_WRAP_SHA_256"},
		"RSA_2048":          {"RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_1"},
		"ECC_NIST_P521":     {"RSAES_OAEP_SHA_256"},
		"ML_DSA_44":         {"RSA_AES_KEY_WRAP_SHA_256"},
	} {
		c, k := tokenFixture(t, spec)
		for _, algorithm := range algorithms {
			_, token := newToken(t, c, k, algorithm)
			_, err := c.unwrap(k, &api.ImportKeyMaterialRequest{ImportToken: token, EncryptedKeyMaterial: make([]byte, 256)})
			kind := key.KindValidation
			if algorithm == "RSAES_PKCS1_V1_5" || algorithm == "SM2PKE" {
				kind = key.KindUnsupportedOperation
			}
			if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != kind || !strings.HasPrefix(e.Message, "Wrapping algorithm ") {
				t.Errorf("%s of %s: %v", algorithm, spec, err)
			}
		}
	}
}

// Only bytes that the server sealed are accepted as a token.
func FuzzImportToken(f *testing.F) {
	c, k := tokenFixture(f, "ECC_NIST_P256")
	_, token := newToken(f, c, k, "RSAES_OAEP_SHA_256")
	f.Add([]byte{}, uint(0))
	f.Add(token[:tokenHeaderSize], uint(9))
	f.Add(bytes.Repeat([]byte{1}, minTokenSize), uint(100))
	f.Fuzz(func(t *testing.T, data []byte, at uint) {
		wantRefusedToken(t, c, k, data)
		spliced := append(bytes.Clone(token[:at%uint(len(token))]), data...)
		if !bytes.Equal(spliced, token) {
			wantRefusedToken(t, c, k, spliced)
		}
	})
}
