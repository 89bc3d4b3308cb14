package service_test

import (
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

func TestReEncrypt(t *testing.T) {
	s := kmstest.Start(t)
	from, to := createExternal(t, s), createGenerated(t, s)
	importMaterial(t, s, from, newMaterial())
	mustSucceed(t, createAlias(t, s, "alias/to", to), createAlias(t, s, "alias/from", from))
	before, after := map[string]string{"stage": "before"}, map[string]string{"stage": "after"}
	blob := must[*kms.EncryptOutput](t)(s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: from, Plaintext: []byte("hello"), EncryptionContext: before})).CiphertextBlob
	source, destination := describe(t, s, from), describe(t, s, to)
	for _, named := range []*string{nil, from, source.Arn, aws.String("alias/from"), aws.String(arnPrefix + "alias/from")} {
		out := must[*kms.ReEncryptOutput](t)(s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{
			CiphertextBlob: blob, SourceKeyId: named, SourceEncryptionContext: before,
			DestinationKeyId: aws.String("alias/to"), DestinationEncryptionContext: after,
		}))
		if *out.SourceKeyId != *source.Arn || *out.KeyId != *destination.Arn ||
			*out.SourceKeyMaterialId != *source.CurrentKeyMaterialId || *out.DestinationKeyMaterialId != *destination.CurrentKeyMaterialId ||
			out.SourceEncryptionAlgorithm != "SYMMETRIC_DEFAULT" || out.DestinationEncryptionAlgorithm != "SYMMETRIC_DEFAULT" {
			t.Errorf("%+v", out)
		}
		dec := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: after, KeyId: to}))
		if string(dec.Plaintext) != "hello" {
			t.Errorf("plaintext %q", dec.Plaintext)
		}
		_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: before})
		wantError(t, err, "InvalidCiphertextException", "")
	}
	// The same key, with another context.
	out := must[*kms.ReEncryptOutput](t)(s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: before, DestinationKeyId: from}))
	if dec := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})); string(dec.Plaintext) != "hello" {
		t.Errorf("plaintext %q", dec.Plaintext)
	}
}

func TestReEncryptRefusals(t *testing.T) {
	s := kmstest.Start(t)
	from, to, disabled, empty, doomed := createGenerated(t, s), createGenerated(t, s), createGenerated(t, s), createExternal(t, s), createGenerated(t, s)
	context := map[string]string{"app": "payroll"}
	ciphertext := func(id *string) []byte {
		return must[*kms.EncryptOutput](t)(s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("hello"), EncryptionContext: context})).CiphertextBlob
	}
	blob, ofDisabled, ofDoomed := ciphertext(from), ciphertext(disabled), ciphertext(doomed)
	disable(t, s, disabled)
	schedule(t, s, doomed)
	const wrongKey = "The key ID in the request does not identify a CMK that can perform this operation."
	nowhere := bytes.Replace(blob, []byte(*from), []byte(absentKey), 1)
	foreign := bytes.Replace(blob, []byte(kmstest.Account), []byte("444455556666"), 1)
	for _, c := range []struct {
		name, errorName, part string
		change                func(in *kms.ReEncryptInput)
	}{
		{"no context", "InvalidCiphertextException", "", func(in *kms.ReEncryptInput) { in.SourceEncryptionContext = nil }},
		{"another context", "InvalidCiphertextException", "", func(in *kms.ReEncryptInput) { in.SourceEncryptionContext = map[string]string{"app": "x"} }},
		{"a damaged ciphertext", "InvalidCiphertextException", "", func(in *kms.ReEncryptInput) { in.CiphertextBlob = flip(blob, len(blob)-1) }},
		{"no ciphertext at all", "InvalidCiphertextException", "", func(in *kms.ReEncryptInput) { in.CiphertextBlob = []byte("hello") }},
		{"absent", "ValidationException", "Value null at 'ciphertextBlob'", func(in *kms.ReEncryptInput) { in.CiphertextBlob = nil }},
		{"another source named", "IncorrectKeyException", wrongKey, func(in *kms.ReEncryptInput) { in.SourceKeyId = to }},
		{"the source is nowhere", "AccessDeniedException", blobRefused, func(in *kms.ReEncryptInput) { in.CiphertextBlob = nowhere }},
		{"the source is of another account", "AccessDeniedException", blobRefused, func(in *kms.ReEncryptInput) { in.CiphertextBlob = foreign }},
		{"a named source that is nowhere", "NotFoundException", "does not exist", func(in *kms.ReEncryptInput) { in.SourceKeyId = aws.String(absentKey) }},
		{"a named source of another account", "AccessDeniedException", "kms:ReEncryptFrom", func(in *kms.ReEncryptInput) { in.SourceKeyId = aws.String(foreignPrefix + "key/" + *from) }},
		{"the source is disabled", "DisabledException", *disabled + " is disabled.", func(in *kms.ReEncryptInput) { in.CiphertextBlob = ofDisabled }},
		{"the source is pending deletion", "KMSInvalidStateException", *doomed + " is pending deletion.", func(in *kms.ReEncryptInput) { in.CiphertextBlob = ofDoomed }},
		{"a destination that is nowhere", "NotFoundException", "does not exist", func(in *kms.ReEncryptInput) { in.DestinationKeyId = aws.String(absentKey) }},
		{"a destination alias that is nowhere", "NotFoundException", "is not found.", func(in *kms.ReEncryptInput) { in.DestinationKeyId = aws.String("alias/none") }},
		{"a destination of another account", "AccessDeniedException", "kms:ReEncryptTo on this resource because the resource does not exist in this Region", func(in *kms.ReEncryptInput) {
			in.DestinationKeyId = aws.String(foreignPrefix + "key/" + *to)
		}},
		{"the destination is disabled", "DisabledException", *disabled + " is disabled.", func(in *kms.ReEncryptInput) { in.DestinationKeyId = disabled }},
		{"the destination has no material", "KMSInvalidStateException", *empty + " is pending import.", func(in *kms.ReEncryptInput) { in.DestinationKeyId = empty }},
		{"the destination is pending deletion", "KMSInvalidStateException", *doomed + " is pending deletion.", func(in *kms.ReEncryptInput) { in.DestinationKeyId = doomed }},
		{"an algorithm for RSA to decrypt", "IncorrectKeyException", "", func(in *kms.ReEncryptInput) {
			in.SourceEncryptionAlgorithm = types.EncryptionAlgorithmSpecRsaesOaepSha1
		}},
		{"an algorithm for RSA to encrypt", "InvalidKeyUsageException", "RSAES_OAEP_SHA_256", func(in *kms.ReEncryptInput) {
			in.DestinationEncryptionAlgorithm = types.EncryptionAlgorithmSpecRsaesOaepSha256
		}},
		{"a dry run", "DryRunOperationException", "", func(in *kms.ReEncryptInput) { in.DryRun = aws.Bool(true) }},
		{"a dry run that would fail", "InvalidCiphertextException", "", func(in *kms.ReEncryptInput) { in.DryRun, in.SourceEncryptionContext = aws.Bool(true), nil }},
		{"modifiers without a dry run", "ValidationException", "Value null at 'ciphertextBlob'", func(in *kms.ReEncryptInput) {
			in.CiphertextBlob, in.SourceKeyId, in.DryRunModifiers = nil, from, ignoring
		}},
		{"a dry run that ignores the ciphertext, of no key", "ValidationException", "Value null at 'sourceKeyId'", func(in *kms.ReEncryptInput) { in.DryRun, in.DryRunModifiers = aws.Bool(true), ignoring }},
		{"a dry run without a ciphertext", "DryRunOperationException", "", func(in *kms.ReEncryptInput) {
			in.CiphertextBlob, in.SourceKeyId, in.DryRun, in.DryRunModifiers = nil, from, aws.Bool(true), ignoring
		}},
		{"a dry run without a ciphertext, to a disabled key", "DisabledException", "", func(in *kms.ReEncryptInput) {
			in.CiphertextBlob, in.SourceKeyId, in.DestinationKeyId, in.DryRun, in.DryRunModifiers = nil, from, disabled, aws.Bool(true), ignoring
		}},
		{"a grant token", "InvalidGrantTokenException", "", func(in *kms.ReEncryptInput) { in.GrantTokens = []string{"x"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: context, DestinationKeyId: to}
			c.change(in)
			_, err := s.Client.ReEncrypt(t.Context(), in)
			wantError(t, err, c.errorName, c.part)
		})
	}
}
