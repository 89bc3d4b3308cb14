package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/secrettest"
)

// Sealing leaves no copy of the data key next to the second secret.
func TestSecretsOfASealerAreCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	dataKey, second, salt := randomBytes(keySize), randomBytes(32), randomBytes(saltSize)
	both := secrettest.Take(slices.Concat(dataKey, second))
	s := Sealer{purpose: "purpose"}.Under(second)
	if _, err := s.aead(dataKey, salt); err != nil {
		t.Fatal(err)
	}
	if n := secrettest.Copies(t, both); n != 0 {
		t.Errorf("%d copies of both secrets remain", n)
	}
}

// A cipher leaves no copy of the data key.
func TestDataKeyIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	const runs = 8
	dataKey := randomBytes(keySize)
	s, key := Sealer{purpose: "purpose"}.Under(randomBytes(32)), secrettest.Of(dataKey)
	before := secrettest.Copies(t, key)
	for range runs {
		secrettest.Alone(func() {
			if _, err := s.aead(dataKey, randomBytes(saltSize)); err != nil {
				t.Error(err)
			}
		})
	}
	if after := secrettest.Copies(t, key); after >= before+runs {
		t.Errorf("%d copies of the data key after %d ciphers, and %d before", after, runs, before)
	}
}

// derivedAEAD leaves no more copies of the derived key than the standard library does.
func TestDerivedKeyIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	secret := randomBytes(keySize)
	left := func(use func(salt []byte) error) int {
		var salts [][]byte
		return secrettest.Left(t, func(int) {
			salts = append(salts, randomBytes(saltSize))
			if err := use(salts[len(salts)-1]); err != nil {
				t.Error(err)
			}
		}, func(run int) []byte {
			k, err := hkdf.Key(sha256.New, secret, salts[run], "purpose", keySize)
			if err != nil {
				t.Error(err)
			}
			return k
		})
	}
	want := left(func(salt []byte) error {
		k, err := hkdf.Key(sha256.New, secret, salt, "purpose", keySize)
		if err != nil {
			return err
		}
		defer clear(k)
		block, err := aes.NewCipher(k)
		if err != nil {
			return err
		}
		_, err = cipher.NewGCMWithRandomNonce(block)
		return err
	})
	got := left(func(salt []byte) error {
		_, err := derivedAEAD(secret, salt, "purpose")
		return err
	})
	if got > want {
		t.Errorf("%d copies of the derived key remain, want %d", got, want)
	}
}

// A root key file has at most 4096 bytes, so the wrong path of a large file costs nothing.
