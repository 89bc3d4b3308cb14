package crypt

import (
	"fmt"

	"filippo.io/mldsa"
	"filippo.io/mldsa/mldsacrypto"
	"filippo.io/mldsa/x509"
)

// mldsaParameters returns the parameter set of a spec (FIPS 204, section 4).
func mldsaParameters(spec string) (p mldsa.Parameters, ok bool) {
	switch spec {
	case "ML_DSA_44":
		return mldsa.MLDSA44(), true
	case "ML_DSA_65":
		return mldsa.MLDSA65(), true
	case "ML_DSA_87":
		return mldsa.MLDSA87(), true
	}
	return p, false
}

func mldsaFamily(spec string) (family, bool) {
	parameters, ok := mldsaParameters(spec)
	if !ok {
		return family{}, false
	}
	return family{
		generate: func() ([]byte, error) {
			private, err := mldsa.GenerateKey(parameters)
			if err != nil {
				return nil, err
			}
			return x509.MarshalPKCS8PrivateKey(private)
		},
		open: func(material []byte) (Key, error) { return openMLDSA(parameters, material) },
	}, true
}

// An MLDSAKey is a key pair for signatures with ML-DSA (FIPS 204). Its material is only the seed, in the form
// of RFC 9881, section 6.
type MLDSAKey struct {
	private *mldsa.PrivateKey
	public  []byte
}

func openMLDSA(parameters mldsa.Parameters, material []byte) (*MLDSAKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, fmt.Errorf("not a PKCS #8 private key") // the cause could contain parts of the key
	}
	private, ok := parsed.(*mldsa.PrivateKey)
	if !ok || private.PublicKey().Parameters() != parameters {
		return nil, fmt.Errorf("a private key of another kind: %T", parsed)
	}
	public, err := x509.MarshalPKIXPublicKey(private.PublicKey())
	return &MLDSAKey{private, public}, err
}

// Destroy drops the key, whose parts are not accessible and cannot be cleared.
func (k *MLDSAKey) Destroy() { k.private = nil }

// Footprint estimates the memory of the key in bytes. Most of it is the matrix that is expanded from the seed.
func (k *MLDSAKey) Footprint() int { return 200 << 10 }

// PublicKey returns the public half as DER SubjectPublicKeyInfo (RFC 9881).
func (k *MLDSAKey) PublicKey() []byte { return k.public }

// Sign signs a message, hedged and without a context (FIPS 204, section 5.2), or the 64-byte representative μ
// of a message (section 6.2).
func (k *MLDSAKey) Sign(_ string, message []byte, mu bool) (signature []byte, err error) {
	Secretly(func() {
		if mu {
			signature, err = k.private.Sign(nil, message, mldsacrypto.MLDSAMu)
		} else {
			signature, err = k.private.Sign(nil, message, nil)
		}
	})
	return signature, err
}

// Verify returns nil or ErrSignature. Only builds with Go 1.26 can verify μ; others return ErrUnsupported.
func (k *MLDSAKey) Verify(_ string, message []byte, mu bool, signature []byte) error {
	return verifyMLDSA(k.private.PublicKey(), message, mu, signature)
}

func verifyMLDSA(public *mldsa.PublicKey, message []byte, mu bool, signature []byte) (err error) {
	if mu {
		err = verifyMu(public, message, signature)
	} else {
		err = mldsa.Verify(public, message, signature, nil)
	}
	if err != nil && err != ErrUnsupported {
		return ErrSignature
	}
	return err
}
