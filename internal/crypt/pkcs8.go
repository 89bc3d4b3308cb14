package crypt

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// crypto/x509 supports neither secp256k1 nor ML-KEM, so this file encodes their keys with encoding/asn1.

// privateKeyInfo is the PrivateKeyInfo of PKCS #8 (RFC 5958), without attributes.
type privateKeyInfo struct {
	Version    int
	Algorithm  pkix.AlgorithmIdentifier
	PrivateKey []byte
}

// publicKeyInfo is the SubjectPublicKeyInfo of X.509 (RFC 5280, section 4.1).
type publicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	PublicKey asn1.BitString
}

// ecPrivateKey is the ECPrivateKey of RFC 5915. The enclosing structure names the curve.
type ecPrivateKey struct {
	Version    int
	PrivateKey []byte
	Parameters asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
	PublicKey  asn1.BitString        `asn1:"optional,explicit,tag:1"`
}

var (
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1} // RFC 5480, section 2.1.1
	oidSecp256k1   = asn1.ObjectIdentifier{1, 3, 132, 0, 10}       // SEC 2, appendix A.2.1
)

// unmarshalDER decodes a single DER value.
func unmarshalDER(der []byte, value any) error {
	rest, err := asn1.Unmarshal(der, value)
	if err != nil || len(rest) > 0 {
		return errors.New("malformed DER") // the cause could contain parts of the key
	}
	return nil
}

// parsePKCS8 parses a private key of type K from DER PKCS #8.
func parsePKCS8[K any](der []byte) (private K, err error) {
	if err := unmarshalDER(der, new(asn1.RawValue)); err != nil { // crypto/x509 ignores trailing bytes
		return private, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return private, errors.New("not a PKCS #8 private key") // the cause could contain parts of the key
	}
	private, ok := parsed.(K)
	if !ok {
		return private, fmt.Errorf("a private key of another kind: %T", parsed)
	}
	return private, nil
}

func marshalPublic(algorithm pkix.AlgorithmIdentifier, public []byte) ([]byte, error) {
	return asn1.Marshal(publicKeyInfo{algorithm, bitString(public)})
}

func bitString(b []byte) asn1.BitString { return asn1.BitString{Bytes: b, BitLength: 8 * len(b)} }

func secp256k1Algorithm() (pkix.AlgorithmIdentifier, error) {
	curve, err := asn1.Marshal(oidSecp256k1)
	return pkix.AlgorithmIdentifier{Algorithm: oidECPublicKey, Parameters: asn1.RawValue{FullBytes: curve}}, err
}

func marshalSecp256k1(private *secp256k1.PrivateKey) ([]byte, error) {
	algorithm, err := secp256k1Algorithm()
	if err != nil {
		return nil, err
	}
	scalar := private.Serialize()
	defer clear(scalar)
	inner, err := asn1.Marshal(ecPrivateKey{
		Version:    1,
		PrivateKey: scalar,
		PublicKey:  bitString(private.PubKey().SerializeUncompressed()),
	})
	if err != nil {
		return nil, err
	}
	defer clear(inner)
	return asn1.Marshal(privateKeyInfo{0, algorithm, inner})
}

func marshalSecp256k1Public(public *secp256k1.PublicKey) ([]byte, error) {
	algorithm, err := secp256k1Algorithm()
	if err != nil {
		return nil, err
	}
	return marshalPublic(algorithm, public.SerializeUncompressed())
}

// parseSecp256k1 parses a private key. The curve must be named in the outer structure, and may also be named in
// the inner one. If there is a public key, it must match the private key.
func parseSecp256k1(der []byte) (*secp256k1.PrivateKey, error) {
	var outer privateKeyInfo
	var inner ecPrivateKey
	if err := unmarshalDER(der, &outer); err != nil {
		return nil, err
	}
	defer clear(outer.PrivateKey)
	if err := unmarshalDER(outer.PrivateKey, &inner); err != nil {
		return nil, err
	}
	defer clear(inner.PrivateKey)
	if err := onSecp256k1(outer.Algorithm, inner); err != nil {
		return nil, err
	}
	var scalar secp256k1.ModNScalar
	defer scalar.Zero()
	if overflow := scalar.SetByteSlice(inner.PrivateKey); overflow || scalar.IsZero() ||
		len(inner.PrivateKey) != secp256k1.PrivKeyBytesLen {
		return nil, errors.New("the private key is not in the range of the curve")
	}
	private := secp256k1.NewPrivateKey(&scalar)
	if stated := inner.PublicKey.RightAlign(); len(stated) > 0 {
		public, err := secp256k1.ParsePubKey(stated)
		if err != nil || !public.IsEqual(private.PubKey()) {
			return nil, errors.New("the public key does not match the private key")
		}
	}
	return private, nil
}

func onSecp256k1(algorithm pkix.AlgorithmIdentifier, inner ecPrivateKey) error {
	var curve asn1.ObjectIdentifier
	if err := unmarshalDER(algorithm.Parameters.FullBytes, &curve); err != nil {
		return errors.New("the curve is not named")
	}
	switch {
	case !algorithm.Algorithm.Equal(oidECPublicKey), !curve.Equal(oidSecp256k1):
		return errors.New("a private key of another kind")
	case inner.Version != 1, len(inner.Parameters) > 0 && !inner.Parameters.Equal(oidSecp256k1):
		return errors.New("an ECPrivateKey of another kind")
	}
	return nil
}
