package service_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

const blobRefused = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."

// ignoring are the modifiers of a dry run that only checks permissions.
var ignoring = []types.DryRunModifierType{types.DryRunModifierTypeIgnoreCiphertext}

func TestDecrypt(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createExternal(t, s), createExternal(t, s)
	material := newMaterial()
	importMaterial(t, s, id, material)
	importMaterial(t, s, other, material) // the same bytes
	context := map[string]string{"app": "payroll", "Ünïcode": "☃"}
	enc := must[*kms.EncryptOutput](t)(s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("hello"), EncryptionContext: context}))
	blob := enc.CiphertextBlob

	dec := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context}))
	if m := describe(t, s, id); string(dec.Plaintext) != "hello" || *dec.KeyId != *m.Arn || *dec.KeyMaterialId != *m.CurrentKeyMaterialId || dec.EncryptionAlgorithm != "SYMMETRIC_DEFAULT" {
		t.Errorf("%+v", dec)
	}
	elsewhere := bytes.Replace(blob, []byte(*id), []byte(*other), 1)
	nowhere := bytes.Replace(blob, []byte(*id), []byte("00000000-0000-4000-8000-000000000000"), 1)
	foreign := bytes.Replace(blob, []byte(kmstest.Account), []byte("444455556666"), 1)
	for _, c := range []struct {
		name, errorName, part string
		in                    kms.DecryptInput
	}{
		{"no context", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: blob}},
		{"another context", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"app": "Payroll", "Ünïcode": "☃"}}},
		{"another key named", "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.",
			kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context, KeyId: other}},
		{"edited to name another key", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: elsewhere, EncryptionContext: context}},
		{"edited, and that key named", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: elsewhere, EncryptionContext: context, KeyId: other}},
		{"a key that does not exist", "AccessDeniedException", blobRefused, kms.DecryptInput{CiphertextBlob: nowhere, EncryptionContext: context}},
		{"a key of another account", "AccessDeniedException", blobRefused, kms.DecryptInput{CiphertextBlob: foreign, EncryptionContext: context}},
		{"damaged", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: flip(blob, len(blob)-1), EncryptionContext: context}},
		{"cut short", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: blob[:100], EncryptionContext: context}},
		{"no ciphertext at all", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: []byte("hello")}},
		{"absent", "ValidationException", "Value null at 'ciphertextBlob'", kms.DecryptInput{KeyId: id}},
		{"an algorithm for RSA", "IncorrectKeyException", "", kms.DecryptInput{CiphertextBlob: blob, EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1}},
		{"a recipient", "UnsupportedOperationException", "", kms.DecryptInput{CiphertextBlob: blob, Recipient: &types.RecipientInfo{AttestationDocument: []byte("x")}}},
		{"a dry run", "DryRunOperationException", "", kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context, DryRun: aws.Bool(true)}},
		{"a dry run that would fail", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: blob, DryRun: aws.Bool(true)}},
		{"modifiers without a dry run", "InvalidCiphertextException", "", kms.DecryptInput{CiphertextBlob: []byte("hello"), KeyId: id, DryRunModifiers: ignoring}},
		{"a dry run that ignores the ciphertext, of no key", "ValidationException", "Value null at 'keyId'", kms.DecryptInput{CiphertextBlob: blob, DryRun: aws.Bool(true), DryRunModifiers: ignoring}},
		{"a dry run without a ciphertext", "DryRunOperationException", "", kms.DecryptInput{KeyId: id, DryRun: aws.Bool(true), DryRunModifiers: ignoring}},
		{"a dry run that ignores the ciphertext", "DryRunOperationException", "", kms.DecryptInput{KeyId: id, CiphertextBlob: []byte("hello"), DryRun: aws.Bool(true), DryRunModifiers: ignoring}},
		{"a dry run with a key that is nowhere", "NotFoundException", "", kms.DecryptInput{KeyId: aws.String(absentKey), DryRun: aws.Bool(true), DryRunModifiers: ignoring}},
		{"a grant token", "InvalidGrantTokenException", "", kms.DecryptInput{CiphertextBlob: blob, GrantTokens: []string{"x"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Client.Decrypt(t.Context(), &c.in)
			wantError(t, err, c.errorName, c.part)
		})
	}
}

func TestEncrypt(t *testing.T) {
	s := kmstest.Start(t)
	id := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata.KeyId
	if bytes.Equal(encrypt(t, s, id, "hello"), encrypt(t, s, id, "hello")) {
		t.Error("two encryptions give the same ciphertext")
	}
	largest := strings.Repeat("x", 4096)
	if got := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: encrypt(t, s, id, largest)})); string(got.Plaintext) != largest {
		t.Error("the largest plaintext does not come back")
	}
	for _, c := range []struct {
		errorName, part string
		in              kms.EncryptInput
	}{
		{"ValidationException", "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096", kms.EncryptInput{KeyId: id, Plaintext: make([]byte, 4097)}},
		{"ValidationException", "Member must have length greater than or equal to 1", kms.EncryptInput{KeyId: id, Plaintext: []byte{}}},
		{"InvalidKeyUsageException", "RSAES_OAEP_SHA_256", kms.EncryptInput{KeyId: id, Plaintext: []byte("x"), EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256}},
		{"DryRunOperationException", "DryRun", kms.EncryptInput{KeyId: id, Plaintext: []byte("x"), DryRun: aws.Bool(true)}},
	} {
		_, err := s.Client.Encrypt(t.Context(), &c.in)
		wantError(t, err, c.errorName, c.part)
	}
	must[*kms.DisableKeyOutput](t)(s.Client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id}))
	_, err := s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("x")})
	wantError(t, err, "DisabledException", "is disabled.")
}
