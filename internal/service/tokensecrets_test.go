package service

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/secrettest"
)

// Sealing and opening an import token leaves no copy of the primes and of the token key, except the token key in memory,
// and one copy in a buffer that package json uses again.
func TestNoCopyOfAnImportTokenStays(t *testing.T) {
	secrettest.KeepGarbage(t)
	c, k := tokenFixture(t, "ECC_NIST_P256")
	good := func(b []byte, err error) []byte {
		if err != nil {
			t.Error(err)
		}
		return b
	}
	var contents [secretRuns]importToken
	var tokens [secretRuns][]byte
	prepare := func(sealed bool) {
		for run := range contents {
			contents[run] = importToken{KeyARN: k.ARN(), Algorithm: "RSAES_OAEP_SHA_256", Spec: "RSA_2048", NotAfter: c.now.Add(tokenValidity)}
			contents[run].P, contents[run].Q = make([]byte, 128), make([]byte, 128)
			rand.Read(contents[run].P)
			rand.Read(contents[run].Q)
			if sealed {
				tokens[run] = good(c.sealToken(contents[run]))
			}
		}
	}
	inJSON := func(run int) []byte {
		text := make([]byte, base64.StdEncoding.EncodedLen(120))
		base64.StdEncoding.Encode(text, contents[run].P[:120])
		return text
	}
	unwrap := func(run int) {
		c.unwrap(k, &api.ImportKeyMaterialRequest{ImportToken: tokens[run], EncryptedKeyMaterial: make([]byte, 256)})
	}
	tokenKey := func(int) []byte { return good(c.tokenKeys.ForOpening(t.Context(), material.HourOf(c.now))) }
	seal := func(run int) { tokens[run] = good(c.sealToken(contents[run])) }
	for _, test := range []struct {
		name    string
		most    int
		prepare func()
		use     func(run int)
		secret  func(run int) []byte
	}{
		{"the payload, sealed", 1, func() { prepare(false) }, seal, inJSON},
		{"the payload, opened", 0, func() { prepare(true) }, unwrap, inJSON},
		{"p", 0, func() { prepare(true) }, unwrap, func(run int) []byte { return contents[run].P }},
		{"q", 0, func() { prepare(true) }, unwrap, func(run int) []byte { return contents[run].Q }},
	} {
		test.prepare()
		if n := secrettest.Left(t, test.use, test.secret); n > test.most {
			t.Errorf("%s: %d copies are left, want %d", test.name, n, test.most)
		}
	}
	// The token key stays in memory as long as its hour, so its copies are compared before and after.
	for name, use := range map[string]func(run int){"sealing": seal, "opening": unwrap} {
		prepare(true)
		p := secrettest.Take(tokenKey(0))
		before := secrettest.Copies(t, p)
		for run := range secretRuns {
			use(run)
		}
		// Package aes keeps two copies in the tables of each key.
		if after := secrettest.Copies(t, p); after >= before+3*secretRuns {
			t.Errorf("%s leaves %d copies of the token key, and there were %d before", name, after, before)
		}
	}
}

// Sealing and opening a session token leaves no copy of the secret access key in JSON, except in a buffer that package
// json uses again. The opened session stays in memory, with the secret in a text of its own.
func TestNoCopyOfASessionTokenStays(t *testing.T) {
	secrettest.KeepGarbage(t)
	p := newPeople(t)
	var secrets, tokens [secretRuns]string
	prepare := func() {
		for run := range secrets {
			secrets[run] = strings.ToUpper(fmt.Sprintf("%x", randomForTest(t, 20)))
		}
	}
	inJSON := func(run int) []byte { return []byte(`"secret":"` + secrets[run]) }
	seal := func(run int) {
		token, err := p.sessionTokens.seal(sessionToken{Session: identity.Session{Account: homeAccount}, Secret: secrets[run]}, 0)
		if err != nil {
			t.Error(err)
		}
		tokens[run] = token
	}
	prepare()
	if n := secrettest.Left(t, seal, inJSON); n > 1 {
		t.Errorf("sealing leaves %d copies", n)
	}
	open := func(run int) {
		if _, ok := p.sessionTokens.decode(tokens[run]); !ok {
			t.Error("the token does not open")
		}
	}
	if n := secrettest.Left(t, open, inJSON); n > 0 {
		t.Errorf("opening leaves %d copies", n)
	}
}

func randomForTest(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// A data key that is not handed out leaves no copy: because the request is a dry run, or because its encryption fails.
// With the same random numbers, the same request without the failure shows the data key.
func TestNoCopyOfADataKeyStays(t *testing.T) {
	secrettest.KeepGarbage(t)
	s := secretTest{newAccessTest(t), identity.Root(homeAccount)}
	on := s.key()
	damaged := s.stored(on)
	damaged.Materials = slices.Clone(damaged.Materials)
	damaged.Materials[0].Slot, damaged.Materials[0].Sealed = "1-0000000000000001", []byte("damaged")
	sound := s.stored(on)
	callWith := func(seed int, k key.Key) *call {
		cryptotest.SetGlobalRandom(t, uint64(seed))
		c := &call{Service: s.Service, ctx: t.Context(), now: s.clock.Now(), keys: []key.Key{k}}
		c.Operation.Name = "GenerateDataKey"
		return c
	}
	dataKey := func(c *call, dry bool) ([]byte, error) {
		d, err := c.newDataKey(64, nil, &dry)
		rand.Read(make([]byte, 1024)) // overwrites the buffer of the generator
		return d.plaintext, err
	}
	pair := func(c *call, dry bool) ([]byte, error) {
		d, _, err := c.newDataKeyPair("ECC_NIST_P256", nil, &dry)
		rand.Read(make([]byte, 1024))
		return d.plaintext, err
	}
	for number, test := range []struct {
		name string
		k    key.Key
		dry  bool
		make func(c *call, dry bool) ([]byte, error)
		most int // Read of package rand makes a copy if a test has set its Reader, here and for the comparison
	}{
		{"a dry run", sound, true, dataKey, 2}, {"a failure", damaged, false, dataKey, 2}, {"a failure of a pair", damaged, false, pair, 0},
	} {
		use := func(run int) {
			if made, err := test.make(callWith(10*number+run, test.k), test.dry); err == nil || made != nil {
				t.Errorf("%s: %d bytes, %v", test.name, len(made), err)
			}
		}
		n := secrettest.Left(t, use, func(run int) []byte {
			made, err := test.make(callWith(10*number+run, sound), false)
			if err != nil || len(made) < 64 {
				t.Fatalf("%s: %d bytes, %v", test.name, len(made), err)
			}
			return made
		})
		if n > test.most {
			t.Errorf("%s leaves %d copies, want %d", test.name, n, test.most)
		}
	}
}
