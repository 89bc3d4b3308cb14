package crypt

import (
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/keyhold/keyhold/internal/secrettest"
)

// remain returns the copies of each run's secret that use leaves.
func remain(t *testing.T, use func(secret []byte) error) int {
	t.Helper()
	secrets, errs := [4][]byte{}, [4]error{}
	for run := range secrets {
		secrets[run] = Random(64)
		secrets[run][0] &= 0x7f // a scalar of secp256k1
	}
	n := secrettest.Left(t, func(run int) { errs[run] = use(secrets[run]) }, func(run int) []byte { return secrets[run] })
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	return n
}

// Marshalling and opening leave no more copies of a secret than the libraries do.
func TestSecretsAreCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	l, _ := latticeOf("ML_KEM_768")
	marshalled := func(seed []byte) []byte {
		der, err := l.marshal(seed)
		if err != nil {
			t.Error(err)
		}
		return der
	}
	for name, test := range map[string]struct{ use, like func(secret []byte) error }{
		"marshal a lattice": {
			func(seed []byte) error { _, err := l.marshal(seed); return err },
			func(seed []byte) error {
				inner := append([]byte{seedTag, 64}, seed...)
				defer clear(inner)
				_, err := asn1.Marshal(privateKeyInfo{0, l.algorithm(), inner})
				return err
			},
		},
		"open a lattice": {
			func(seed []byte) error { _, err := openMLKEM(l, marshalled(seed)); return err },
			func(seed []byte) error {
				var outer privateKeyInfo
				if err := unmarshalDER(marshalled(seed), &outer); err != nil {
					return err
				}
				defer clear(outer.PrivateKey)
				_, err := l.expand(outer.PrivateKey[2:])
				return err
			},
		},
		"refuse a lattice": {
			func(seed []byte) error {
				other, _ := latticeOf("ML_KEM_1024")
				if _, err := other.unmarshal(marshalled(seed)); err == nil {
					return errors.New("a key of another kind is read")
				}
				return nil
			},
			func(seed []byte) error {
				var outer privateKeyInfo
				defer func() { clear(outer.PrivateKey) }()
				return unmarshalDER(marshalled(seed), &outer)
			},
		},
	} {
		if got, want := remain(t, test.use), remain(t, test.like); got > want {
			t.Errorf("%s: %d copies of the seed remain, want %d", name, got, want)
		}
	}
}

// A private key on secp256k1 leaves no more copies than its library and the encoding do.
func TestScalarIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	left := func(use func(k *secp256k1.PrivateKey) error) int {
		var keys [4]*secp256k1.PrivateKey
		var errs [4]error
		for run := range keys {
			keys[run] = secp256k1.PrivKeyFromBytes(Random(32))
		}
		n := secrettest.Left(t, func(run int) { errs[run] = use(keys[run]) },
			func(run int) []byte { return keys[run].Serialize() })
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		return n
	}
	encode := func(k *secp256k1.PrivateKey) ([]byte, error) {
		algorithm, err := secp256k1Algorithm()
		if err != nil {
			return nil, err
		}
		scalar := k.Serialize()
		defer clear(scalar)
		inner, err := asn1.Marshal(ecPrivateKey{Version: 1, PrivateKey: scalar, PublicKey: bitString(k.PubKey().SerializeUncompressed())})
		if err != nil {
			return nil, err
		}
		defer clear(inner)
		return asn1.Marshal(privateKeyInfo{0, algorithm, inner})
	}
	got := left(func(k *secp256k1.PrivateKey) error { _, err := marshalSecp256k1(k); return err })
	want := left(func(k *secp256k1.PrivateKey) error { _, err := encode(k); return err })
	if got > want {
		t.Errorf("marshal: %d copies remain, want %d", got, want)
	}
	got = left(func(k *secp256k1.PrivateKey) error {
		der, err := encode(k)
		if err == nil {
			_, err = parseSecp256k1(der)
		}
		return err
	})
	want = left(func(k *secp256k1.PrivateKey) error {
		der, err := encode(k)
		if err != nil {
			return err
		}
		var outer privateKeyInfo
		var inner ecPrivateKey
		if err := unmarshalDER(der, &outer); err != nil {
			return err
		}
		defer clear(outer.PrivateKey)
		if err := unmarshalDER(outer.PrivateKey, &inner); err != nil {
			return err
		}
		defer clear(inner.PrivateKey)
		var scalar secp256k1.ModNScalar
		defer scalar.Zero()
		scalar.SetByteSlice(inner.PrivateKey)
		secp256k1.NewPrivateKey(&scalar).PubKey()
		return nil
	})
	if got > want {
		t.Errorf("parse: %d copies remain, want %d", got, want)
	}
}

// An unknown algorithm and a key that is not of the curve give no value with the error.
func TestErrorsHaveNoValue(t *testing.T) {
	if scheme, h, err := rsaScheme("X"); scheme != "" || h != 0 || err == nil {
		t.Errorf("%q, %v, %v", scheme, h, err)
	}
	if message, options, err := ed25519Input("X", []byte("m")); message != nil || options != nil || err == nil {
		t.Errorf("%q, %v, %v", message, options, err)
	}
	if k, err := openNIST(elliptic.P256(), 0, []byte("x")); k != nil || err == nil {
		t.Errorf("%v, %v", k, err)
	}
	if k, err := expand512(make([]byte, 63)); k != nil || err == nil {
		t.Errorf("%v, %v", k, err)
	}
}
