package service_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

// dryRuns are the operations with a dry run on symmetric keys, each with a key.
func dryRuns(t *testing.T, s *kmstest.Server, blob []byte) map[string]func(id *string) error {
	dry := aws.Bool(true)
	return map[string]func(id *string) error{
		"Encrypt": func(id *string) error {
			_, err := s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("x"), DryRun: dry})
			return err
		},
		"Decrypt": func(id *string) error {
			_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{KeyId: id, CiphertextBlob: blob, DryRun: dry})
			return err
		},
		"ReEncrypt": func(id *string) error {
			_, err := s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{SourceKeyId: id, DestinationKeyId: id, CiphertextBlob: blob, DryRun: dry})
			return err
		},
		"GenerateDataKey": func(id *string) error {
			_, err := s.Client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: id, KeySpec: types.DataKeySpecAes256, DryRun: dry})
			return err
		},
		"GenerateDataKeyWithoutPlaintext": func(id *string) error {
			_, err := s.Client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: id, KeySpec: types.DataKeySpecAes256, DryRun: dry})
			return err
		},
	}
}

// A dry run never succeeds. It ends with DryRunOperation where the request would have
// succeeded, and otherwise with the error of the request. It does not count as a use of the
// key.
func TestDryRuns(t *testing.T) {
	s := kmstest.Start(t)
	id, disabled, doomed, empty := createGenerated(t, s), createGenerated(t, s), createGenerated(t, s), createExternal(t, s)
	blob := encrypt(t, s, id, "hello")
	disable(t, s, disabled)
	schedule(t, s, doomed)
	before := lastUsage(t, s, id)
	for operation, call := range dryRuns(t, s, blob) {
		t.Run(operation, func(t *testing.T) {
			wantError(t, call(id), "DryRunOperationException", "the DryRun option is set.")
			wantError(t, call(disabled), "DisabledException", "")
			wantError(t, call(doomed), "KMSInvalidStateException", "is pending deletion.")
			wantError(t, call(empty), "KMSInvalidStateException", "is pending import.")
			wantError(t, call(aws.String(absentKey)), "NotFoundException", "")
			wantError(t, call(aws.String(foreignPrefix+"key/"+*id)), "AccessDeniedException", "")
		})
	}
	for _, unused := range []*string{disabled, doomed, empty} {
		if u := lastUsage(t, s, unused); u.Operation != "" || u.Timestamp != nil || u.CloudTrailEventId != nil || u.KmsRequestId != nil {
			t.Errorf("%+v", u)
		}
	}
	if after := lastUsage(t, s, id); *after.CloudTrailEventId != *before.CloudTrailEventId {
		t.Errorf("a dry run was a usage: %+v", after)
	}
}

// IGNORE_CIPHERTEXT only checks permissions. It requires that the request names the key.
func TestDryRunModifiers(t *testing.T) {
	s := kmstest.Start(t)
	id, other, disabled := createGenerated(t, s), createGenerated(t, s), createGenerated(t, s)
	mustSucceed(t, createAlias(t, s, "alias/app", id))
	blob := encrypt(t, s, id, "hello")
	disable(t, s, disabled)
	dry, ignore := aws.Bool(true), []types.DryRunModifierType{types.DryRunModifierTypeIgnoreCiphertext}
	for _, c := range []struct {
		name, errorName, part string
		keyID                 *string
		blob                  []byte
		dryRun                *bool
		modifiers             []types.DryRunModifierType
	}{
		{"no ciphertext", "DryRunOperationException", "", id, nil, dry, ignore},
		{"by its alias", "DryRunOperationException", "", aws.String("alias/app"), nil, dry, ignore},
		{"a ciphertext of another key", "DryRunOperationException", "", other, blob, dry, ignore},
		{"no ciphertext of any kind", "DryRunOperationException", "", id, []byte("hello"), dry, ignore},
		{"no key", "ValidationException", "Member must not be null", nil, nil, dry, ignore},
		{"no key but a ciphertext", "ValidationException", "Member must not be null", nil, blob, dry, ignore},
		{"a disabled key", "DisabledException", "", disabled, nil, dry, ignore},
		{"a key that does not exist", "NotFoundException", "", aws.String(absentKey), nil, dry, ignore},
		{"a key of another account", "AccessDeniedException", "", aws.String(foreignPrefix + "key/" + *id), nil, dry, ignore},
		{"not modified", "ValidationException", "'ciphertextBlob'", id, nil, dry, nil},
		{"not modified, another key", "IncorrectKeyException", "", other, blob, dry, nil},
		{"no dry run", "ValidationException", "'ciphertextBlob'", id, nil, nil, ignore},
		{"expressly no dry run", "ValidationException", "'ciphertextBlob'", id, nil, aws.Bool(false), ignore},
		{"another modifier", "ValidationException", "Member must satisfy enum value set: [IGNORE_CIPHERTEXT]", id, nil, dry, []types.DryRunModifierType{"IGNORE_KEY"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{KeyId: c.keyID, CiphertextBlob: c.blob, DryRun: c.dryRun, DryRunModifiers: c.modifiers})
			wantError(t, err, c.errorName, c.part)
			_, err = s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{
				SourceKeyId: c.keyID, DestinationKeyId: other, CiphertextBlob: c.blob, DryRun: c.dryRun, DryRunModifiers: c.modifiers,
			})
			wantError(t, err, c.errorName, c.part)
		})
	}
	_, err := s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{SourceKeyId: id, DestinationKeyId: disabled, DryRun: dry, DryRunModifiers: ignore})
	wantError(t, err, "DisabledException", "")
	_, err = s.Client.Decrypt(t.Context(), &kms.DecryptInput{KeyId: id, DryRun: dry, DryRunModifiers: ignore, EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1})
	wantError(t, err, "IncorrectKeyException", "")
	out := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob, DryRunModifiers: ignore}))
	if string(out.Plaintext) != "hello" {
		t.Errorf("a modifier without a dry run: %q", out.Plaintext)
	}
}
