package api

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	const (
		one = "1 validation error detected: "
		not = " failed to satisfy constraint: Member must "
		arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	)
	long := func(n int) *string { return new(strings.Repeat("a", n)) }
	blob := func(n int) []byte { return make([]byte, n) }
	hex := new(strings.Repeat("0f", 32))
	tests := []struct {
		name string
		in   any
		want string
	}{
		{"fine", &EncryptRequest{KeyId: new(arn), Plaintext: blob(4096), GrantTokens: []string{"t"}}, ""},
		{"nothing", &ListKeysRequest{}, ""},
		{"decrypt without ciphertext", &DecryptRequest{}, ""},
		{"two missing", &EncryptRequest{}, "2 validation errors detected: " +
			"Value null at 'keyId'" + not + "not be null; Value null at 'plaintext'" + not + "not be null"},
		{"empty string", &EnableKeyRequest{KeyId: new("")}, one + "Value '' at 'keyId'" + not + "have length greater than or equal to 1"},
		{"at the length", &EnableKeyRequest{KeyId: long(2048)}, ""},
		{"over the length", &EnableKeyRequest{KeyId: long(2049)},
			one + "Value '" + *long(2049) + "' at 'keyId'" + not + "have length less than or equal to 2048"},
		{"code points, not bytes", &EnableKeyRequest{KeyId: new(strings.Repeat("é", 2048))}, ""},
		{"empty plaintext", &EncryptRequest{KeyId: new("k"), Plaintext: []byte{}},
			one + "Value at 'plaintext'" + not + "have length greater than or equal to 1"},
		{"long plaintext", &EncryptRequest{KeyId: new("k"), Plaintext: blob(4097)},
			one + "Value at 'plaintext'" + not + "have length less than or equal to 4096"},
		{"empty ciphertext", &DecryptRequest{CiphertextBlob: []byte{}},
			one + "Value 'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]' at 'ciphertextBlob'" + not + "have length greater than or equal to 1"},
		{"long ciphertext", &DecryptRequest{CiphertextBlob: blob(6145)},
			one + "Value 'java.nio.HeapByteBuffer[pos=0 lim=6145 cap=6145]' at 'ciphertextBlob'" + not + "have length less than or equal to 6144"},
		{"ten tokens", &DecryptRequest{GrantTokens: strings.Split("a b c d e f g h i j", " ")}, ""},
		{"eleven tokens", &DecryptRequest{GrantTokens: strings.Split("a b c d e f g h i j k", " ")},
			one + "Value at 'grantTokens'" + not + "have length less than or equal to 10"},
		{"tokens of wrong length", &DecryptRequest{GrantTokens: []string{"", "fine", *long(8193)}}, "2 validation errors detected: " +
			"Value at 'grantTokens.1.member'" + not + "have length greater than or equal to 1; " +
			"Value at 'grantTokens.3.member'" + not + "have length less than or equal to 8192"},
		{"enum", &EncryptRequest{KeyId: new("k"), Plaintext: blob(1), EncryptionAlgorithm: new("symmetric_default")},
			one + "Value 'symmetric_default' at 'encryptionAlgorithm'" + not +
				"satisfy enum value set: [SYMMETRIC_DEFAULT, RSAES_OAEP_SHA_1, RSAES_OAEP_SHA_256, SM2PKE]"},
		{"empty enum", &CreateKeyRequest{Origin: new("")},
			one + "Value '' at 'origin'" + not + "satisfy enum value set: [AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE]"},
		{"enum in a list", &DecryptRequest{DryRunModifiers: []string{"IGNORE_CIPHERTEXT", "X"}},
			one + "Value 'X' at 'dryRunModifiers.2.member'" + not + "satisfy enum value set: [IGNORE_CIPHERTEXT]"},
		{"limit 0", &ListKeysRequest{Limit: new(int32(0))}, one + "Value '0' at 'limit'" + not + "have value greater than or equal to 1"},
		{"limit 1000", &ListKeysRequest{Limit: new(int32(1000))}, ""},
		{"limit 1001", &ListAliasesRequest{Limit: new(int32(1001))}, one + "Value '1001' at 'limit'" + not + "have value less than or equal to 1000"},
		{"negative window", &ScheduleKeyDeletionRequest{KeyId: new("k"), PendingWindowInDays: new(int32(-7))},
			one + "Value '-7' at 'pendingWindowInDays'" + not + "have value greater than or equal to 1"},
		{"long window", &ScheduleKeyDeletionRequest{KeyId: new("k"), PendingWindowInDays: new(int32(366))},
			one + "Value '366' at 'pendingWindowInDays'" + not + "have value less than or equal to 365"},
		{"alias", &CreateAliasRequest{AliasName: new("alias/a:B_9-"), TargetKeyId: new("k")}, ""},
		{"alias with a space", &CreateAliasRequest{AliasName: new("alias/a b"), TargetKeyId: new("k")},
			one + "Value 'alias/a b' at 'aliasName'" + not + "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"},
		{"alias, line break at the end", &CreateAliasRequest{AliasName: new("alias/a\n"), TargetKeyId: new("k")},
			one + "Value 'alias/a\ufffd' at 'aliasName'" + not + "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"},
		{"alias, empty: two rules", &CreateAliasRequest{AliasName: new(""), TargetKeyId: new("k")}, "2 validation errors detected: " +
			"Value '' at 'aliasName'" + not + "have length greater than or equal to 1; " +
			"Value '' at 'aliasName'" + not + "satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"},
		{"marker", &ListKeysRequest{Marker: new(" ~\u00ff")}, ""},
		{"marker outside", &ListKeysRequest{Marker: new("a\tb\u0100")},
			one + "Value 'a\ufffdb\u0100' at 'marker'" + not + `satisfy regular expression pattern: [\u0020-\u00FF]*`},
		{"policy", &CreateKeyRequest{Policy: new("{\n\r\t \u00ff}")}, ""},
		{"policy outside", &CreateKeyRequest{Policy: new("{\v}")},
			one + "Value '{\ufffd}' at 'policy'" + not + `satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u00FF]+`},
		{"material", &DeleteImportedKeyMaterialRequest{KeyId: new("k"), KeyMaterialId: hex}, ""},
		{"material in capitals", &DeleteImportedKeyMaterialRequest{KeyId: new("k"), KeyMaterialId: new(strings.Repeat("F", 64))},
			one + "Value '" + strings.Repeat("F", 64) + "' at 'keyMaterialId'" + not + "satisfy regular expression pattern: ^[a-f0-9]+$"},
		{"short material", &DeleteImportedKeyMaterialRequest{KeyId: new("k"), KeyMaterialId: new("0f")},
			one + "Value '0f' at 'keyMaterialId'" + not + "have length greater than or equal to 64"},
		{"material text", &ImportKeyMaterialRequest{KeyId: new("k"), ImportToken: blob(1), EncryptedKeyMaterial: blob(1),
			KeyMaterialDescription: new("safe 7: a/b_c.d-e\t\v")}, ""},
		{"material text, empty", &ImportKeyMaterialRequest{KeyId: new("k"), ImportToken: blob(1), EncryptedKeyMaterial: blob(1),
			KeyMaterialDescription: new("")}, ""},
		{"material text outside", &ImportKeyMaterialRequest{KeyId: new("k"), ImportToken: blob(1), EncryptedKeyMaterial: blob(1),
			KeyMaterialDescription: new("a*")},
			one + "Value 'a*' at 'keyMaterialDescription'" + not + `satisfy regular expression pattern: ^[a-zA-Z0-9:/_\s.-]*$`},
		{"tags", &CreateKeyRequest{Tags: []Tag{{new("k"), new("")}}}, ""},
		{"tag without value", &CreateKeyRequest{Tags: []Tag{{new("k"), new("v")}, {TagKey: new("")}}}, "2 validation errors detected: " +
			"Value '' at 'tags.2.member.tagKey'" + not + "have length greater than or equal to 1; " +
			"Value null at 'tags.2.member.tagValue'" + not + "not be null"},
		{"nested", &DecryptRequest{Recipient: &RecipientInfo{KeyEncryptionAlgorithm: new("X")}},
			one + "Value 'X' at 'recipient.keyEncryptionAlgorithm'" + not + "satisfy enum value set: [RSAES_OAEP_SHA_256]"},
		{"hidden characters", &CreateKeyRequest{KeySpec: new("\x1b[31m\u202e\u2028'é")}, one + "Value '\ufffd[31m\ufffd\ufffd'é' at 'keySpec'" + not +
			"satisfy enum value set: [" + strings.Join(Enum("KeySpec"), ", ") + "]"},
	}
	for _, test := range tests {
		if got := shapeOfValue(test.in).Validate(test.in); got != test.want {
			t.Errorf("%s:\n%.300s\nwant\n%.300s", test.name, got, test.want)
		}
	}
}

func TestShapeRefuses(t *testing.T) {
	type unknownWord struct {
		A *string `json:"A" kms:"size=1:2"`
	}
	type unknownPattern struct {
		A *string `json:"A" kms:"pattern=none"`
	}
	type unknownEnum struct {
		A []string `json:"A" kms:"enum=none"`
	}
	type halfBounds struct {
		A []string `json:"A" kms:"count=10"`
	}
	tests := map[string]func(){
		"unknown word":    func() { ShapeOf[unknownWord]() },
		"unknown pattern": func() { ShapeOf[unknownPattern]() },
		"unknown enum":    func() { ShapeOf[unknownEnum]() },
		"half bounds":     func() { ShapeOf[halfBounds]() },
		"other type":      func() { ShapeOf[EnableKeyRequest]().Validate(new(DisableKeyRequest)) },
		"no pointer":      func() { ShapeOf[EnableKeyRequest]().Parameters(EnableKeyRequest{}) },
		"nil":             func() { ShapeOf[EnableKeyRequest]().Validate(nil) },
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

// The size of a message is bounded, however many members are invalid.
func TestMessagesAreBounded(t *testing.T) {
	long, many := strings.Repeat("\x01", 128<<10), make([]Tag, 1000)
	for _, in := range []*CreateKeyRequest{{KeySpec: &long}, {KeySpec: &long, KeyUsage: &long, Origin: &long, Description: &long}, {Tags: many}} {
		got := shapeOfValue(in).Validate(in)
		if len(got) > 32<<10 || !strings.Contains(got, "…") || !strings.Contains(got, "failed to satisfy constraint") {
			t.Errorf("%d bytes: %.100s", len(got), got)
		}
	}
	in := &CreateKeyRequest{Tags: many}
	if got := shapeOfValue(in).Validate(in); !strings.HasPrefix(got, "2000 validation errors detected: ") {
		t.Errorf("%.100s", got)
	}
}
