package crypt

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

func runECDSA(r *vectorRun, text []byte) {
	type group struct {
		SHA          string
		PublicKey    struct{ Curve string }
		PublicKeyDER hexBytes
		Tests        []struct {
			vector
			Msg, Sig hexBytes
		}
	}
	for _, g := range groups[group](r, text) {
		h := map[string]crypto.Hash{"SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384, "SHA-512": crypto.SHA512}[g.SHA]
		verify := ecdsaVerifier(r, g.PublicKey.Curve, g.PublicKeyDER)
		for _, test := range g.Tests {
			r.holds(test.vector, verify(hashUnless(false, h, test.Msg), test.Sig) == nil)
		}
	}
}

func ecdsaVerifier(r *vectorRun, curve string, spki []byte) func(hashed, signature []byte) error {
	if curve == "secp256k1" {
		var info publicKeyInfo
		if err := unmarshalDER(spki, &info); err != nil {
			r.Fatal(err)
		}
		public, err := secp256k1.ParsePubKey(info.PublicKey.RightAlign())
		if err != nil {
			r.Fatal(err)
		}
		if ours, err := marshalSecp256k1Public(public); err != nil || !bytes.Equal(ours, spki) {
			r.Errorf("the public key is %x here, %v", ours, err)
		}
		return func(hashed, signature []byte) error { return verifySecp256k1(public, hashed, signature) }
	}
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		r.Fatal(err)
	}
	return func(hashed, signature []byte) error { return verifyNIST(parsed.(*ecdsa.PublicKey), hashed, signature) }
}

func runEdDSA(r *vectorRun, text []byte) {
	type group struct {
		PublicKeyDER hexBytes
		Tests        []struct {
			vector
			Msg, Sig hexBytes
		}
	}
	for _, g := range groups[group](r, text) {
		parsed, err := x509.ParsePKIXPublicKey(g.PublicKeyDER)
		if err != nil {
			r.Fatal(err)
		}
		for _, test := range g.Tests {
			r.holds(test.vector, verifyEd25519(parsed.(ed25519.PublicKey), "ED25519_SHA_512", test.Msg, test.Sig) == nil)
			if verifyEd25519(parsed.(ed25519.PublicKey), "ED25519_PH_SHA_512", test.Msg, test.Sig) == nil {
				r.Errorf("%d: valid as Ed25519ph too", test.ID)
			}
		}
	}
}

// Public keys are DER, PEM, or bare points, which are encoded as DER first.
func runECDH(r *vectorRun, text []byte) {
	type group struct {
		Curve, Encoding string
		Tests           []struct {
			vector
			Public, Private string
			Shared          hexBytes
		}
	}
	for _, g := range groups[group](r, text) {
		spec := map[string]string{"secp256r1": "ECC_NIST_P256", "secp384r1": "ECC_NIST_P384", "secp521r1": "ECC_NIST_P521"}[g.Curve]
		for _, test := range g.Tests {
			k := agreementKey(r, spec, g.Encoding, test.Private)
			got, err := k.Agree(peerOf(r, g.Curve, g.Encoding, test.Public))
			if err != nil && err != ErrPublicKey {
				r.Errorf("%d: %v", test.ID, err)
			}
			if err == nil && !bytes.Equal(got, test.Shared) {
				r.Errorf("%d: the secret is %x", test.ID, got)
			}
			r.holds(test.vector, err == nil)
		}
	}
}

func agreementKey(r *vectorRun, spec, encoding, text string) *NISTKey {
	if encoding == "pem" {
		block, _ := pem.Decode([]byte(text))
		return mustOpen(r, spec, block.Bytes).(*NISTKey)
	}
	curve, _ := nistCurve(spec)
	number := new(big.Int)
	number.SetString(text, 16)
	scalar := number.FillBytes(make([]byte, (curve.Params().BitSize+7)/8))
	agreement, err := map[string]ecdh.Curve{"ECC_NIST_P256": ecdh.P256(), "ECC_NIST_P384": ecdh.P384(), "ECC_NIST_P521": ecdh.P521()}[spec].NewPrivateKey(scalar)
	if err != nil {
		r.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(agreement.PublicKey())
	if err != nil {
		r.Fatal(err)
	}
	return &NISTKey{private: &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: curve}}, agreement: agreement, public: public}
}

func peerOf(r *vectorRun, curve, encoding, text string) []byte {
	if encoding == "pem" {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return nil
		}
		return block.Bytes
	}
	var der hexBytes
	if err := json.Unmarshal([]byte(`"`+text+`"`), &der); err != nil {
		r.Fatal(err)
	}
	if strings.Contains(encoding, "ecpoint") {
		oid := map[string]asn1.ObjectIdentifier{"secp256r1": {1, 2, 840, 10045, 3, 1, 7}, "secp384r1": {1, 3, 132, 0, 34}, "secp521r1": {1, 3, 132, 0, 35}}[curve]
		named, err := asn1.Marshal(oid)
		if err != nil {
			r.Fatal(err)
		}
		der, err = marshalPublic(pkix.AlgorithmIdentifier{Algorithm: oidECPublicKey, Parameters: asn1.RawValue{FullBytes: named}}, der)
		if err != nil {
			r.Fatal(err)
		}
	}
	return der
}
