package service_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/kmstest"
)

func createPrimaryOf(t *testing.T, s *kmstest.Server, spec types.KeySpec, usage types.KeyUsageType) *string {
	t.Helper()
	return must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{MultiRegion: aws.Bool(true), KeySpec: spec, KeyUsage: usage})).KeyMetadata.KeyId
}

// A key of each spec and usage can be replicated, and the replica has the same attributes.
func TestReplicateKeyOfEachSpec(t *testing.T) {
	s := kmstest.Start(t)
	for _, spec := range types.KeySpec("").Values() {
		for _, suite := range key.Suites(key.Spec(spec)) {
			t.Run(string(spec)+" "+string(suite.Usage), func(t *testing.T) {
				id := createPrimaryOf(t, s, spec, types.KeyUsageType(suite.Usage))
				must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, london))
				wantFamily(t, s, id, kmstest.Region, london)
				m := describeIn(t, s, id, london)
				if m.KeySpec != spec || m.KeyUsage != types.KeyUsageType(suite.Usage) || m.KeyState != types.KeyStateEnabled {
					t.Errorf("%+v", m)
				}
				if !suite.Public {
					return
				}
				if here, there := publicKeyIn(t, s, id, kmstest.Region), publicKeyIn(t, s, id, london); !bytes.Equal(here, there) {
					t.Errorf("the public keys are %x and %x", here, there)
				}
			})
		}
	}
}

func publicKeyIn(t *testing.T, s *kmstest.Server, id *string, region string) []byte {
	t.Helper()
	return must[*kms.GetPublicKeyOutput](t)(s.Client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: id}, in(region))).PublicKey
}

// A signature made in one Region can be verified in the other, and with the public key of the
// other Region. A signature of another key is refused.
func TestSignaturesOfRelatedKeys(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createPrimaryOf(t, s, types.KeySpecRsa2048, types.KeyUsageTypeSignVerify), createPrimaryOf(t, s, types.KeySpecRsa2048, types.KeyUsageTypeSignVerify)
	for _, k := range []*string{id, other} {
		must[*kms.ReplicateKeyOutput](t)(replicate(t, s, k, london))
	}
	const algorithm = types.SigningAlgorithmSpecRsassaPkcs1V15Sha256
	verify := func(k *string, region string, signature []byte) error {
		_, err := s.Client.Verify(t.Context(), &kms.VerifyInput{KeyId: k, Message: []byte("hello"), Signature: signature, SigningAlgorithm: algorithm}, in(region))
		return err
	}
	for from, to := range map[string]string{kmstest.Region: london, london: kmstest.Region} {
		signature := must[*kms.SignOutput](t)(s.Client.Sign(t.Context(), &kms.SignInput{KeyId: id, Message: []byte("hello"), SigningAlgorithm: algorithm}, in(from))).Signature
		mustSucceed(t, verify(id, to, signature))
		wantError(t, verify(other, to, signature), "KMSInvalidSignatureException", "")
		public := must[any](t)(x509.ParsePKIXPublicKey(publicKeyIn(t, s, id, to))).(*rsa.PublicKey)
		digest := sha256.Sum256([]byte("hello"))
		mustSucceed(t, rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature))
	}
}

func TestMacsOfRelatedKeys(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createPrimaryOf(t, s, types.KeySpecHmac384, types.KeyUsageTypeGenerateVerifyMac), createPrimaryOf(t, s, types.KeySpecHmac384, types.KeyUsageTypeGenerateVerifyMac)
	for _, k := range []*string{id, other} {
		must[*kms.ReplicateKeyOutput](t)(replicate(t, s, k, london))
	}
	verify := func(k *string, region string, mac []byte) error {
		_, err := s.Client.VerifyMac(t.Context(), &kms.VerifyMacInput{KeyId: k, Message: []byte("hello"), Mac: mac, MacAlgorithm: types.MacAlgorithmSpecHmacSha384}, in(region))
		return err
	}
	for from, to := range map[string]string{kmstest.Region: london, london: kmstest.Region} {
		mac := must[*kms.GenerateMacOutput](t)(s.Client.GenerateMac(t.Context(), &kms.GenerateMacInput{KeyId: id, Message: []byte("hello"), MacAlgorithm: types.MacAlgorithmSpecHmacSha384}, in(from))).Mac
		mustSucceed(t, verify(id, to, mac))
		wantError(t, verify(other, to, mac), "KMSInvalidMacException", "")
	}
}
