package crypt

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"
)

// specs are all supported specs.
var specs = []string{
	"SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072", "RSA_4096",
	"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519",
	"HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512",
	"ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024",
}

// Material of each spec is different each time, opens as its own spec, and as no other.
func TestMaterialOfEachSpec(t *testing.T) {
	for _, spec := range specs {
		t.Run(spec, func(t *testing.T) {
			material, other := generate(t, spec), generate(t, spec)
			if bytes.Equal(material, other) {
				t.Fatal("the same material twice")
			}
			k, err := Open(spec, material)
			if err != nil {
				t.Fatal(err)
			}
			k2, err := Open(spec, other)
			if err != nil {
				t.Fatal(err)
			}
			if p, ok := k.(Pair); ok && bytes.Equal(p.PublicKey(), k2.(Pair).PublicKey()) {
				t.Error("the same public key twice")
			}
			k2.Destroy()
			for _, wrong := range specs {
				if _, err := Accept(wrong, material); wrong == spec || err == nil {
					continue // any bytes of this size are valid material
				}
				if _, err := Open(wrong, material); !errors.Is(err, ErrMaterial) {
					t.Errorf("it opens as %s: %v", wrong, err)
				}
			}
			longer := append(bytes.Clone(material), 0)
			if strings.HasPrefix(spec, "HMAC") {
				longer = make([]byte, maxHMACSize+1)
			}
			for _, damaged := range [][]byte{nil, material[1:], material[:len(material)-1], longer} {
				if _, err := Open(spec, damaged); !errors.Is(err, ErrMaterial) {
					t.Errorf("%d of %d bytes open: %v", len(damaged), len(material), err)
				}
			}
		})
	}
}

func TestUnknownSpec(t *testing.T) {
	for _, spec := range []string{"", "SM2", "RSA_1024", "rsa_2048", "ECC_NIST_P224", "ML_KEM_256"} {
		if _, err := Generate(spec); err == nil {
			t.Errorf("%q generates", spec)
		}
		if _, err := Open(spec, make([]byte, 32)); err == nil {
			t.Errorf("%q opens", spec)
		}
	}
}

func generate(t testing.TB, spec string) (material []byte) {
	t.Helper()
	var err error
	Secretly(func() { material, err = Generate(spec) })
	if err != nil {
		t.Fatal(err)
	}
	return material
}

// A private key in PKCS #8 has version 0: it comes without its public key (RFC 5958,
// section 2).
func TestVersionOfPrivateKeys(t *testing.T) {
	for _, spec := range specs {
		if strings.HasPrefix(spec, "HMAC") || spec == "SYMMETRIC_DEFAULT" {
			continue
		}
		var info struct {
			Version   int
			Algorithm asn1.RawValue
			Key       asn1.RawValue
		}
		if rest, err := asn1.Unmarshal(generate(t, spec), &info); err != nil || len(rest) > 0 || info.Version != 0 {
			t.Errorf("%s: version %d, %v", spec, info.Version, err)
		}
	}
}

// The OIDs are those of the registry of NIST, "Computer Security Objects Register",
// 2.16.840.1.101.3.4.3 and .4, and of RFC 8410 and SEC 2.
func TestObjectIdentifiers(t *testing.T) {
	for spec, want := range map[string]string{
		"ML_KEM_512": "2.16.840.1.101.3.4.4.1", "ML_KEM_768": "2.16.840.1.101.3.4.4.2", "ML_KEM_1024": "2.16.840.1.101.3.4.4.3",
		"ML_DSA_44": "2.16.840.1.101.3.4.3.17", "ML_DSA_65": "2.16.840.1.101.3.4.3.18", "ML_DSA_87": "2.16.840.1.101.3.4.3.19",
		"ECC_NIST_EDWARDS25519": "1.3.101.112", "ECC_SECG_P256K1": "1.2.840.10045.2.1", "RSA_2048": "1.2.840.113549.1.1.1",
	} {
		material := generate(t, spec)
		k, err := Open(spec, material)
		if err != nil {
			t.Fatal(err)
		}
		var private privateKeyInfo
		var public publicKeyInfo
		if err := errors.Join(unmarshalDER(material, &private), unmarshalDER(k.(Pair).PublicKey(), &public)); err != nil {
			t.Fatal(err)
		}
		if got := private.Algorithm.Algorithm.String(); got != want || public.Algorithm.Algorithm.String() != want {
			t.Errorf("%s: %s in the private key and %s in the public key, want %s", spec, got, public.Algorithm.Algorithm, want)
		}
		k.Destroy()
	}
}
