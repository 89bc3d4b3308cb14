package service_test

import (
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

func TestDataKeys(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	importMaterial(t, s, id, newMaterial())
	mustSucceed(t, createAlias(t, s, "alias/app", id))
	m := describe(t, s, id)
	context := map[string]string{"app": "payroll"}
	seen := map[string]bool{}
	for _, c := range []struct {
		spec  types.DataKeySpec
		bytes *int32
		size  int
	}{{"AES_128", nil, 16}, {"AES_256", nil, 32}, {"", aws.Int32(1), 1}, {"", aws.Int32(64), 64}, {"", aws.Int32(1024), 1024}, {"AES_256", nil, 32}} {
		out := must[*kms.GenerateDataKeyOutput](t)(s.Client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{
			KeyId: aws.String("alias/app"), KeySpec: c.spec, NumberOfBytes: c.bytes, EncryptionContext: context,
		}))
		if len(out.Plaintext) != c.size || c.size > 8 && seen[string(out.Plaintext)] || *out.KeyId != *m.Arn || *out.KeyMaterialId != *m.CurrentKeyMaterialId || out.CiphertextForRecipient != nil {
			t.Errorf("%s %d: %+v", c.spec, aws.ToInt32(c.bytes), out)
		}
		seen[string(out.Plaintext)] = true
		dec := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: context}))
		if !bytes.Equal(dec.Plaintext, out.Plaintext) || *dec.KeyId != *m.Arn {
			t.Errorf("%s %d: the blob opens to another data key", c.spec, aws.ToInt32(c.bytes))
		}
		_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})
		wantError(t, err, "InvalidCiphertextException", "")

		blind := must[*kms.GenerateDataKeyWithoutPlaintextOutput](t)(s.Client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyId: id, KeySpec: c.spec, NumberOfBytes: c.bytes, EncryptionContext: context,
		}))
		dec = must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blind.CiphertextBlob, EncryptionContext: context}))
		if len(dec.Plaintext) != c.size || c.size > 8 && (seen[string(dec.Plaintext)] || bytes.Equal(dec.Plaintext, make([]byte, c.size))) || *blind.KeyId != *m.Arn || *blind.KeyMaterialId != *m.CurrentKeyMaterialId {
			t.Errorf("%s %d without plaintext: %+v", c.spec, aws.ToInt32(c.bytes), blind)
		}
		seen[string(dec.Plaintext)] = true
	}
}

func TestDataKeyRefusals(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	const which = "Please specify either number of bytes or key spec."
	const tooFew, tooMany = "Member must have value greater than or equal to 1", "Member must have value less than or equal to 1024"
	for _, c := range []struct {
		name, errorName, part string
		in                    kms.GenerateDataKeyInput
	}{
		{"no size", "ValidationException", which, kms.GenerateDataKeyInput{}},
		{"two sizes", "ValidationException", which, kms.GenerateDataKeyInput{KeySpec: "AES_256", NumberOfBytes: aws.Int32(32)}},
		{"no bytes", "ValidationException", tooFew, kms.GenerateDataKeyInput{NumberOfBytes: aws.Int32(0)}},
		{"a byte too many", "ValidationException", tooMany, kms.GenerateDataKeyInput{NumberOfBytes: aws.Int32(1025)}},
		{"another spec", "ValidationException", "[AES_256, AES_128]", kms.GenerateDataKeyInput{KeySpec: "AES_192"}},
		{"a dry run", "DryRunOperationException", "DryRun", kms.GenerateDataKeyInput{KeySpec: "AES_256", DryRun: aws.Bool(true)}},
		{"a dry run without a size", "ValidationException", which, kms.GenerateDataKeyInput{DryRun: aws.Bool(true)}},
		{"a grant token", "InvalidGrantTokenException", "", kms.GenerateDataKeyInput{KeySpec: "AES_256", GrantTokens: []string{"x"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.KeyId = id
			_, err := s.Client.GenerateDataKey(t.Context(), &c.in)
			wantError(t, err, c.errorName, c.part)
			_, err = s.Client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{
				KeyId: id, KeySpec: c.in.KeySpec, NumberOfBytes: c.in.NumberOfBytes, DryRun: c.in.DryRun, GrantTokens: c.in.GrantTokens,
			})
			wantError(t, err, c.errorName, c.part)
		})
	}
	_, err := s.Client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: id, KeySpec: "AES_256", Recipient: &types.RecipientInfo{AttestationDocument: []byte("x")}})
	wantError(t, err, "UnsupportedOperationException", "enclaves")
}

func TestGenerateRandom(t *testing.T) {
	s := kmstest.Start(t)
	random := func(n int32) []byte {
		return must[*kms.GenerateRandomOutput](t)(s.Client.GenerateRandom(t.Context(), &kms.GenerateRandomInput{NumberOfBytes: &n})).Plaintext
	}
	for _, n := range []int32{1, 32, 1024} {
		if got := random(n); len(got) != int(n) {
			t.Errorf("%d bytes, want %d", len(got), n)
		}
	}
	if a, b := random(32), random(32); bytes.Equal(a, b) || bytes.Equal(a, make([]byte, 32)) {
		t.Errorf("%x and %x", a, b)
	}
	for _, c := range []struct {
		name, errorName, part string
		in                    kms.GenerateRandomInput
	}{
		{"no size", "ValidationException", "NumberOfBytes is required.", kms.GenerateRandomInput{}},
		{"no bytes", "ValidationException", "greater than or equal to 1", kms.GenerateRandomInput{NumberOfBytes: aws.Int32(0)}},
		{"a byte too many", "ValidationException", "less than or equal to 1024", kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1025)}},
		{"a custom key store", "UnsupportedOperationException", "Custom key stores", kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1), CustomKeyStoreId: aws.String("cks-1")}},
		{"a recipient", "UnsupportedOperationException", "enclaves", kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1), Recipient: &types.RecipientInfo{AttestationDocument: []byte("x")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Client.GenerateRandom(t.Context(), &c.in)
			wantError(t, err, c.errorName, c.part)
		})
	}
}
