package kmstest_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/kmstest"
)

// An example of a user's test: what happens in a program when material that was imported for 60
// days expires?
func TestExpiredMaterial(t *testing.T) {
	s := kmstest.Start(t)
	ctx := t.Context()

	// A key with material of our own, for 60 days.
	created, err := s.Client.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		t.Fatal(err)
	}
	id := created.KeyMetadata.KeyId
	params, err := s.Client.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
		KeyId: id, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	if err != nil {
		t.Fatal(err)
	}
	material := make([]byte, 32)
	rand.Read(material)
	wrapped, err := byok.Wrap(params.PublicKey, byok.RSAESOAEPSHA256, material)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Client.ImportKeyMaterial(ctx, &kms.ImportKeyMaterialInput{
		KeyId: id, ImportToken: params.ImportToken, EncryptedKeyMaterial: wrapped,
		ValidTo: aws.Time(s.Now().Add(60 * 24 * time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}

	// On day 59 the program works; on day 60 it does not.
	encrypt := func() error {
		_, err := s.Client.Encrypt(ctx, &kms.EncryptInput{KeyId: id, Plaintext: []byte("hello")})
		return err
	}
	s.Advance(59 * 24 * time.Hour)
	if err := encrypt(); err != nil {
		t.Errorf("on day 59: %v", err)
	}
	s.Advance(24 * time.Hour)
	var pending *types.KMSInvalidStateException
	if err := encrypt(); !errors.As(err, &pending) {
		t.Errorf("on day 60: %v", err)
	}
}

// Two servers share nothing, and each ends with its test.
func TestServersAreApart(t *testing.T) {
	a, b := kmstest.Start(t), kmstest.Start(t)
	created, err := a.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	var missing *types.NotFoundException
	if _, err := b.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: created.KeyMetadata.KeyId}); !errors.As(err, &missing) {
		t.Errorf("the key of the other server: %v", err)
	}
	b.Advance(24 * time.Hour)
	if ahead := b.Now().Sub(a.Now()); ahead < 23*time.Hour {
		t.Errorf("the clock of the one is %v ahead of the other's", ahead)
	}
	var ended string
	t.Run("ended", func(t *testing.T) { ended = kmstest.Start(t).Endpoint })
	if _, err := kms.New(a.Client.Options(), func(o *kms.Options) {
		o.BaseEndpoint, o.RetryMaxAttempts = &ended, 1
	}).ListKeys(t.Context(), &kms.ListKeysInput{}); err == nil {
		t.Error("a server goes on after its test")
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		kmstest.Start(b)
	}
}
