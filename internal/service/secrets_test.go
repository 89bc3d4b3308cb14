package service

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/secrettest"
)

const secretRuns = 4 // of secrettest.Left

// A secretTest is a deployment in whose memory a test looks for secrets.
type secretTest struct {
	accessTest
	who identity.Principal
}

// done carries out an operation, which must succeed or be a dry run.
func (s secretTest) done(operation string, in any) any {
	s.Helper()
	out, err := s.do(s.who, operation, in)
	if err != nil && !errors.Is(err, errDryRun) {
		s.Fatalf("%s: %v", operation, err)
	}
	return out
}

// blobs returns ciphertexts of random secrets under a key, and the secrets.
func (s secretTest) blobs(on string) (blobs, secrets [secretRuns][]byte) {
	for i := range blobs {
		secrets[i] = make([]byte, 64)
		rand.Read(secrets[i])
		blobs[i] = s.done("Encrypt", &api.EncryptRequest{KeyId: &on, Plaintext: secrets[i]}).(*api.EncryptResponse).CiphertextBlob
	}
	return blobs, secrets
}

// material returns the newest material of a key.
func (s secretTest) material(arn string) []byte {
	s.Helper()
	k := s.stored(arn)
	opened, err := s.materials.Open(s.Context(), k, k.Materials[len(k.Materials)-1])
	if err != nil {
		s.Fatal(err)
	}
	return opened
}

// An operation leaves no copy of a secret, except in its response, which the test clears, and in the state of the hash
// function that computes the ID of new material.
func TestNoCopyOfASecretStays(t *testing.T) {
	secrettest.KeepGarbage(t)
	s := secretTest{newAccessTest(t), identity.Root(homeAccount)}
	on, to := s.key(), s.key()
	agreeing := s.keyLike(`{"KeySpec":"ECC_NIST_P256","KeyUsage":"KEY_AGREEMENT"}`)
	public := s.done("GetPublicKey", &api.GetPublicKeyRequest{KeyId: new(s.keyLike(`{"KeySpec":"ECC_NIST_P256","KeyUsage":"KEY_AGREEMENT"}`))}).(*api.GetPublicKeyResponse).PublicKey
	lattice := s.keyLike(`{"KeySpec":"ML_KEM_768","KeyUsage":"ENCAPSULATE_DECAPSULATE"}`)
	mlkem := "ML_KEM"
	var made [secretRuns]string
	var imports [secretRuns]any
	var blobs, secrets [secretRuns][]byte
	decrypted := func(run int) []byte {
		return s.done("Decrypt", &api.DecryptRequest{KeyId: &on, CiphertextBlob: blobs[run]}).(*api.DecryptResponse).Plaintext
	}
	ofMade := func(run int) []byte { return s.material(made[run]) }
	known := func(run int) []byte { return secrets[run] }
	for _, test := range []struct {
		name   string
		most   int
		before func()
		use    func(run int)
		secret func(run int) []byte
	}{
		{"Decrypt", 0, func() { blobs, secrets = s.blobs(on) }, func(run int) { clear(decrypted(run)) }, known},
		{"a dry run of Decrypt", 0, func() { blobs, secrets = s.blobs(on) }, func(run int) {
			s.done("Decrypt", &api.DecryptRequest{KeyId: &on, CiphertextBlob: blobs[run], DryRun: new(true)})
		}, known},
		{"ReEncrypt", 0, func() { blobs, secrets = s.blobs(on) }, func(run int) {
			s.done("ReEncrypt", &api.ReEncryptRequest{SourceKeyId: &on, CiphertextBlob: blobs[run], DestinationKeyId: &to})
		}, known},
		{"GenerateDataKeyWithoutPlaintext", 0, nil, func(run int) {
			blobs[run] = s.done("GenerateDataKeyWithoutPlaintext", &api.GenerateDataKeyWithoutPlaintextRequest{
				KeyId: &on, KeySpec: new("AES_256")}).(*api.GenerateDataKeyWithoutPlaintextResponse).CiphertextBlob
		}, decrypted},
		{"GenerateDataKeyPairWithoutPlaintext", 0, nil, func(run int) {
			blobs[run] = s.done("GenerateDataKeyPairWithoutPlaintext", &api.GenerateDataKeyPairWithoutPlaintextRequest{
				KeyId: &on, KeyPairSpec: new("ECC_NIST_P256")}).(*api.GenerateDataKeyPairWithoutPlaintextResponse).PrivateKeyCiphertextBlob
		}, decrypted},
		{"ImportKeyMaterial", 1, func() {
			for run := range made {
				secrets[run] = make([]byte, 32)
				rand.Read(secrets[run])
				made[run] = s.keyLike(external)
				_, imports[run] = s.request("ImportKeyMaterial", made[run], s.importOf(made[run], secrets[run]))
			}
		}, func(run int) { s.done("ImportKeyMaterial", imports[run]) }, known},
		{"CreateKey", 1, nil, func(run int) { made[run] = s.key() }, ofMade},
		{"RotateKeyOnDemand", 1, func() {
			for run := range made {
				made[run] = s.key()
			}
		}, func(run int) { s.done("RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &made[run]}) }, ofMade},
		{"ReplicateKey", 1, func() {
			for run := range made {
				made[run] = s.keyLike(multiRegion)
			}
		}, func(run int) {
			s.done("ReplicateKey", &api.ReplicateKeyRequest{KeyId: &made[run], ReplicaRegion: new("eu-west-10")})
		}, ofMade},
		{"a dry run of DeriveSharedSecret", 0, nil, func(run int) {
			s.done("DeriveSharedSecret", &api.DeriveSharedSecretRequest{KeyId: &agreeing, PublicKey: public, KeyAgreementAlgorithm: new("ECDH"), DryRun: new(true)})
		}, func(int) []byte {
			return s.done("DeriveSharedSecret", &api.DeriveSharedSecretRequest{KeyId: &agreeing, PublicKey: public,
				KeyAgreementAlgorithm: new("ECDH")}).(*api.DeriveSharedSecretResponse).SharedSecret
		}},
		{"a dry run of Decapsulate", 0, func() {
			for run := range blobs {
				out := s.done("Encapsulate", &api.EncapsulateRequest{KeyId: &lattice, EncapsulationAlgorithm: &mlkem}).(*api.EncapsulateResponse)
				blobs[run], secrets[run] = out.SharedSecretCiphertextBlob, out.SharedSecret
			}
		}, func(run int) {
			s.done("Decapsulate", &api.DecapsulateRequest{KeyId: &lattice, EncapsulationAlgorithm: &mlkem, SharedSecretCiphertextBlob: blobs[run], DryRun: new(true)})
		}, known},
	} {
		if test.before != nil {
			test.before()
		}
		if n := secrettest.Left(t, test.use, test.secret); n > test.most {
			t.Errorf("%s leaves %d copies of its secret, want %d", test.name, n, test.most)
		}
	}
}
