package service_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"hash"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/kmstest"
)

// must returns v; an error ends the test.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantError checks the name of a refusal and a part of its text.
func wantError(t *testing.T, err error, name, part string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("got %v, want %s", err, name)
		return
	}
	if e.ErrorCode() != name || !strings.Contains(e.ErrorMessage(), part) {
		t.Errorf("got %s %q, want %s …%s…", e.ErrorCode(), e.ErrorMessage(), name, part)
	}
}

func createExternal(t *testing.T, s *kmstest.Server) *string {
	t.Helper()
	return must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Origin: types.OriginTypeExternal})).KeyMetadata.KeyId
}

func newMaterial() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// parameters are the answer and the request of GetParametersForImport.
type parameters struct {
	*kms.GetParametersForImportOutput
	algorithm types.AlgorithmSpec
}

func getParameters(t *testing.T, s *kmstest.Server, id *string, algorithm types.AlgorithmSpec, spec types.WrappingKeySpec) parameters {
	t.Helper()
	out := must[*kms.GetParametersForImportOutput](t)(s.Client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{
		KeyId: id, WrappingAlgorithm: algorithm, WrappingKeySpec: spec,
	}))
	return parameters{out, algorithm}
}

func oaep256(t *testing.T, s *kmstest.Server, id *string) parameters {
	t.Helper()
	return getParameters(t, s, id, types.AlgorithmSpecRsaesOaepSha256, types.WrappingKeySpecRsa2048)
}

// wrap wraps material with the standard library, like the owner of the material.
func (p parameters) wrap(t *testing.T, material []byte) []byte {
	t.Helper()
	public := must[any](t)(x509.ParsePKIXPublicKey(p.PublicKey)).(*rsa.PublicKey)
	var h hash.Hash = sha256.New()
	if p.algorithm == types.AlgorithmSpecRsaesOaepSha1 {
		h = sha1.New()
	}
	return must[[]byte](t)(rsa.EncryptOAEP(h, rand.Reader, public, material, nil))
}

// request returns an import of material without expiry.
func (p parameters) request(t *testing.T, material []byte) *kms.ImportKeyMaterialInput {
	t.Helper()
	return &kms.ImportKeyMaterialInput{
		KeyId: p.KeyId, ImportToken: p.ImportToken, EncryptedKeyMaterial: p.wrap(t, material),
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
}

func importMaterial(t *testing.T, s *kmstest.Server, id *string, material []byte) *kms.ImportKeyMaterialOutput {
	t.Helper()
	return must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), oaep256(t, s, id).request(t, material)))
}

func describe(t *testing.T, s *kmstest.Server, id *string) *types.KeyMetadata {
	t.Helper()
	return must[*kms.DescribeKeyOutput](t)(s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id})).KeyMetadata
}

func wantState(t *testing.T, s *kmstest.Server, id *string, want types.KeyState) {
	t.Helper()
	if got := describe(t, s, id); got.KeyState != want || got.Enabled != (want == types.KeyStateEnabled) {
		t.Errorf("state %s, enabled %v; want %s", got.KeyState, got.Enabled, want)
	}
}

func encrypt(t *testing.T, s *kmstest.Server, id *string, plaintext string) []byte {
	t.Helper()
	return must[*kms.EncryptOutput](t)(s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte(plaintext)})).CiphertextBlob
}

func after(s *kmstest.Server, d time.Duration) *time.Time { return aws.Time(s.Now().Add(d)) }
