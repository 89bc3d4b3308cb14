package byok

import (
	"bytes"
	"crypto/aes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/keyhold/keyhold/internal/privatekey"
	"github.com/keyhold/keyhold/internal/secrettest"
)

const (
	memoryKeyID = "1234abcd-12ab-34cd-56ef-1234567890ab"
	memoryARN   = "arn:aws:kms:eu-west-2:111122223333:key/" + memoryKeyID
)

// wrappingKey returns a wrapping key and its public half.
func wrappingKey(t *testing.T) (*rsa.PrivateKey, []byte) {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return k, public
}

// Wrap leaves no copy of the session key, except the copies in the libraries.
func TestSessionKeyIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	private, public := wrappingKey(t)
	left := func(wrap func() ([]byte, error)) int {
		wrapped, errs := [4][]byte{}, [4]error{}
		defer func() {
			if err := errors.Join(errs[:]...); err != nil {
				t.Error(err)
			}
		}()
		return secrettest.LeftWithStack(t, func(run int) {
			wrapped[run], errs[run] = wrap() // a call after this would overwrite what remains on the stack
		}, func(run int) []byte {
			sessionKey, err := rsa.DecryptOAEP(sha256.New(), nil, private, wrapped[run][:256], nil)
			if err != nil {
				t.Error(err)
			}
			return sessionKey
		})
	}
	material := make([]byte, 32)
	got := left(func() ([]byte, error) { return Wrap(public, RSAAESKeyWrapSHA256, material) })
	want := left(func() ([]byte, error) {
		sessionKey := make([]byte, 32)
		rand.Read(sessionKey)
		defer clear(sessionKey)
		first, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &private.PublicKey, sessionKey, nil)
		if err != nil {
			return nil, err
		}
		kwp, err := subtle.NewKWP(sessionKey)
		if err != nil {
			return nil, err
		}
		_, err = kwp.Wrap(material)
		return first, err
	})
	if got > want {
		t.Errorf("%d copies of the session key remain, want %d", got, want)
	}
}

// Decrypt leaves no copy of the key of the message, except the copies in the libraries.
func TestMessageKeyIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	material := make([]byte, 32)
	rand.Read(material)
	id, err := KeyMaterialID(memoryKeyID, material)
	if err != nil {
		t.Fatal(err)
	}
	rawID, err := hex.DecodeString(id)
	if err != nil {
		t.Fatal(err)
	}
	derive := func(blob []byte) []byte {
		derived, err := hkdf.Key(sha256.New, material, nil, "keyhold ciphertext v1"+string(blob[:saltEnd]), 64)
		if err != nil {
			t.Error(err)
		}
		return derived
	}
	left := func(use func(blob []byte)) int {
		var blobs [][]byte
		return secrettest.Left(t, func(int) {
			blob := append([]byte{1}, "111122223333"+memoryKeyID...)
			blob = append(append(blob, rawID...), make([]byte, smallestBlob)...)
			rand.Read(blob[materialIDEnd:saltEnd])
			blobs = append(blobs, blob)
			use(blob)
		}, func(run int) []byte { return derive(blobs[run])[:32] })
	}
	got := left(func(blob []byte) {
		if _, err := Decrypt(material, blob, nil); err == nil || err.Error() != "byok: the ciphertext is damaged" {
			t.Error(err)
		}
	})
	want := left(func(blob []byte) { clear(derive(blob)) })
	if got > want {
		t.Errorf("%d copies of the message key remain, want %d", got, want)
	}
}

// Parameters.Wrap leaves no copy of a private key, except the copies that its validation makes.
func TestPrivateKeyIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	_, public := wrappingKey(t)
	left := func(wrap func(material []byte) error) int {
		var materials [][]byte
		return secrettest.Left(t, func(int) {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Error(err)
			}
			der, err := x509.MarshalPKCS8PrivateKey(k)
			if err != nil {
				t.Error(err)
			}
			materials = append(materials, der)
			if err := wrap(der); err != nil {
				t.Error(err)
			}
		}, func(run int) []byte { return materials[run] })
	}
	p := &Parameters{KeyARN: memoryARN, KeySpec: "ECC_NIST_P256", Algorithm: RSAAESKeyWrapSHA256, PublicKey: public}
	got := left(func(material []byte) error { _, err := p.Wrap(material); return err })
	want := left(func(material []byte) error {
		k, err := privatekey.Parse("ECC_NIST_P256", material)
		if err != nil {
			return err
		}
		defer clear(k.PKCS8)
		if _, err := KeyMaterialID(memoryKeyID, k.PKCS8); err != nil {
			return err
		}
		_, err = Wrap(public, RSAAESKeyWrapSHA256, k.PKCS8)
		return err
	})
	if got > want {
		t.Errorf("%d copies of the private key remain, want %d", got, want)
	}
}

// Clear erases the material of a file, both bytes and a private key.
func TestOriginalIsCleared(t *testing.T) {
	for name, spec := range map[string]string{"bytes": "SYMMETRIC_DEFAULT", "a private key": "ECC_NIST_P256"} {
		content := make([]byte, 32)
		rand.Read(content)
		if spec != "SYMMETRIC_DEFAULT" {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if content, err = x509.MarshalPKCS8PrivateKey(k); err != nil {
				t.Fatal(err)
			}
		}
		o, err := ReadOriginal(content, nil)
		if err != nil {
			t.Fatal(err)
		}
		o.Clear()
		if m, err := o.Material(spec); err == nil && bytes.Equal(m.Bytes, content) {
			t.Errorf("%s: the material is still there", name)
		}
	}
}

// openGCM refuses keys of a wrong size.
func TestOpenGCMRefuses(t *testing.T) {
	if _, err := openGCM(make([]byte, 31), make([]byte, 40), nil); err == nil {
		t.Error("a key of 31 bytes is used")
	} else if _, ok := err.(aes.KeySizeError); !ok {
		t.Error(err)
	}
}
