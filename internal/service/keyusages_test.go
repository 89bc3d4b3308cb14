package service_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/kmstest"
)

// A use is an operation for keys of one usage, called with an algorithm and with other members,
// valid or invalid.
type use struct {
	operation string
	usage     key.Usage
	call      func(t *testing.T, c *kms.Client, id *string, algorithm string) error
}

// uses are all operations for which the caller chooses an algorithm.
var uses = []use{
	{"Encrypt", key.EncryptDecrypt, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("x"), EncryptionAlgorithm: types.EncryptionAlgorithmSpec(algorithm)})
		return err
	}},
	{"Decrypt", key.EncryptDecrypt, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.Decrypt(t.Context(), &kms.DecryptInput{KeyId: id, CiphertextBlob: []byte("x"), EncryptionAlgorithm: types.EncryptionAlgorithmSpec(algorithm)})
		return err
	}},
	{"Sign", key.SignVerify, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.Sign(t.Context(), &kms.SignInput{KeyId: id, Message: make([]byte, 64), MessageType: messageTypeFor(algorithm), SigningAlgorithm: types.SigningAlgorithmSpec(algorithm)})
		return err
	}},
	{"Verify", key.SignVerify, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.Verify(t.Context(), &kms.VerifyInput{KeyId: id, Message: make([]byte, 64), MessageType: messageTypeFor(algorithm), Signature: []byte("x"), SigningAlgorithm: types.SigningAlgorithmSpec(algorithm)})
		return err
	}},
	{"GenerateMac", key.GenerateVerifyMAC, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.GenerateMac(t.Context(), &kms.GenerateMacInput{KeyId: id, Message: []byte("x"), MacAlgorithm: types.MacAlgorithmSpec(algorithm)})
		return err
	}},
	{"VerifyMac", key.GenerateVerifyMAC, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.VerifyMac(t.Context(), &kms.VerifyMacInput{KeyId: id, Message: []byte("x"), Mac: []byte("x"), MacAlgorithm: types.MacAlgorithmSpec(algorithm)})
		return err
	}},
	{"DeriveSharedSecret", key.KeyAgreement, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.DeriveSharedSecret(t.Context(), &kms.DeriveSharedSecretInput{KeyId: id, PublicKey: []byte("x"), KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpec(algorithm)})
		return err
	}},
	{"Encapsulate", key.EncapsulateDecapsulate, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.Encapsulate(t.Context(), &kms.EncapsulateInput{KeyId: id, EncapsulationAlgorithm: types.EncapsulationAlgorithmSpec(algorithm)})
		return err
	}},
	{"Decapsulate", key.EncapsulateDecapsulate, func(t *testing.T, c *kms.Client, id *string, algorithm string) error {
		_, err := c.Decapsulate(t.Context(), &kms.DecapsulateInput{KeyId: id, SharedSecretCiphertextBlob: []byte("x"), EncapsulationAlgorithm: types.EncapsulationAlgorithmSpec(algorithm)})
		return err
	}},
}

// refusedInput is the error of each operation for the invalid members above, with a suitable key
// and algorithm, or "" if the members are valid.
var refusedInput = map[string]string{
	"Decrypt": "InvalidCiphertextException", "Verify": "KMSInvalidSignatureException", "VerifyMac": "KMSInvalidMacException",
	"DeriveSharedSecret": "ValidationException", "Decapsulate": "InvalidCiphertextException",
}

func messageTypeFor(algorithm string) types.MessageType {
	if algorithm == "ED25519_PH_SHA_512" {
		return types.MessageTypeDigest
	}
	return types.MessageTypeRaw
}

// allAlgorithms returns the algorithms of a usage, except the algorithms of SM2.
func allAlgorithms(usage key.Usage) (all []string) {
	for _, spec := range types.KeySpec("").Values() {
		for _, s := range key.Suites(key.Spec(spec)) {
			for _, a := range s.Algorithms {
				if s.Usage == usage && !slices.Contains(all, a) {
					all = append(all, a)
				}
			}
		}
	}
	return all
}

// TestUses tries every combination of spec, usage, operation and algorithm over HTTP, and
// compares the responses of DescribeKey and GetPublicKey.
func TestUses(t *testing.T) {
	s := kmstest.Start(t)
	cells := 0
	for _, spec := range types.KeySpec("").Values() {
		for _, suite := range key.Suites(key.Spec(spec)) {
			t.Run(string(spec)+" "+string(suite.Usage), func(t *testing.T) {
				m := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: types.KeyUsageType(suite.Usage)})).KeyMetadata
				wantDescription(t, describe(t, s, m.KeyId), suite)
				wantPublicKey(t, s.Client, m.KeyId, suite)
				for _, u := range uses {
					for _, algorithm := range allAlgorithms(u.usage) {
						cells++
						want := refusedInput[u.operation]
						if u.usage != suite.Usage || !slices.Contains(suite.Algorithms, algorithm) {
							want = "InvalidKeyUsageException"
							if u.operation == "Decrypt" {
								want = "IncorrectKeyException"
							}
						}
						if err := u.call(t, s.Client, m.KeyId, algorithm); want == "" {
							mustSucceed(t, err)
						} else {
							wantError(t, err, want, "")
						}
					}
				}
			})
		}
	}
	t.Attr("ran", fmt.Sprintf("%d cells of key specs, usages, operations and algorithms", cells))
}

// wantDescription checks the metadata of a new key of the suite.
func wantDescription(t *testing.T, m *types.KeyMetadata, suite key.Suite) {
	t.Helper()
	lists := map[key.Usage][]string{
		key.EncryptDecrypt:         texts(m.EncryptionAlgorithms),
		key.SignVerify:             texts(m.SigningAlgorithms),
		key.GenerateVerifyMAC:      texts(m.MacAlgorithms),
		key.KeyAgreement:           texts(m.KeyAgreementAlgorithms),
		key.EncapsulateDecapsulate: texts(m.EncapsulationAlgorithms),
	}
	for usage, list := range lists {
		want := suite.Algorithms
		if usage != suite.Usage {
			want = nil
		}
		if !slices.Equal(list, want) {
			t.Errorf("the algorithms of %s are %v, want %v", usage, list, want)
		}
	}
	//lint:ignore SA1019 old clients read the deprecated member
	old := string(m.CustomerMasterKeySpec)
	if string(m.KeySpec) != string(suite.Spec) || old != string(suite.Spec) || string(m.KeyUsage) != string(suite.Usage) ||
		!m.Enabled || (m.CurrentKeyMaterialId != nil) != (suite.Spec == key.SymmetricDefault) || m.ExpirationModel != "" {
		t.Errorf("%+v", m)
	}
}

func wantPublicKey(t *testing.T, c *kms.Client, id *string, suite key.Suite) {
	t.Helper()
	out, err := c.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: id})
	if !suite.Public {
		wantError(t, err, "UnsupportedOperationException", "which is not valid for GetPublicKey.")
		return
	}
	mustSucceed(t, err)
	all := slices.Concat(texts(out.EncryptionAlgorithms), texts(out.SigningAlgorithms), texts(out.KeyAgreementAlgorithms), texts(out.EncapsulationAlgorithms))
	if !slices.Equal(all, suite.Algorithms) || string(out.KeySpec) != string(suite.Spec) || string(out.KeyUsage) != string(suite.Usage) || len(out.PublicKey) == 0 {
		t.Errorf("%+v", out)
	}
}

func texts[T ~string](list []T) (all []string) {
	for _, t := range list {
		all = append(all, string(t))
	}
	return all
}

// Data keys and pairs are encrypted only under symmetric keys.
func TestDataKeysUnderOtherKeys(t *testing.T) {
	s := kmstest.Start(t)
	for spec, usage := range map[types.KeySpec]types.KeyUsageType{
		"RSA_2048": "ENCRYPT_DECRYPT", "HMAC_256": "GENERATE_VERIFY_MAC", "ECC_NIST_P256": "SIGN_VERIFY", "ML_KEM_512": "ENCAPSULATE_DECAPSULATE",
	} {
		id := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})).KeyMetadata.KeyId
		_, err1 := s.Client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: id, KeySpec: "AES_256"})
		_, err2 := s.Client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: id, KeySpec: "AES_256"})
		_, err3 := s.Client.GenerateDataKeyPair(t.Context(), &kms.GenerateDataKeyPairInput{KeyId: id, KeyPairSpec: "ECC_NIST_P256"})
		_, err4 := s.Client.GenerateDataKeyPairWithoutPlaintext(t.Context(), &kms.GenerateDataKeyPairWithoutPlaintextInput{KeyId: id, KeyPairSpec: "ECC_NIST_P256"})
		for _, err := range []error{err1, err2, err3, err4} {
			wantError(t, err, "InvalidKeyUsageException", "")
		}
	}
}

// An alias can only move to keys of the same kind and usage.
func TestAliasKeepsItsKind(t *testing.T) {
	s := kmstest.Start(t)
	create := func(spec types.KeySpec, usage types.KeyUsageType) *string {
		return must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})).KeyMetadata.KeyId
	}
	symmetric, rsa, signing, p384, mac := create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), create("RSA_2048", "ENCRYPT_DECRYPT"), create("ECC_NIST_P256", "SIGN_VERIFY"), create("ECC_NIST_P384", "SIGN_VERIFY"), create("HMAC_256", "GENERATE_VERIFY_MAC")
	mustSucceed(t, createAlias(t, s, "alias/a", symmetric), createAlias(t, s, "alias/b", signing))
	update := func(alias string, id *string) error {
		_, err := s.Client.UpdateAlias(t.Context(), &kms.UpdateAliasInput{AliasName: aws.String(alias), TargetKeyId: id})
		return err
	}
	for _, wrong := range []*string{rsa, signing, mac} {
		wantError(t, update("alias/a", wrong), "ValidationException", "same type")
	}
	wantError(t, update("alias/b", symmetric), "ValidationException", "same type")
	mustSucceed(t, update("alias/b", p384), update("alias/a", createGenerated(t, s)))
}
