package service_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/kmstest"
)

const day = 24 * time.Hour

// Each mistake has its own error and changes nothing.
func TestImportMistakes(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createExternal(t, s), createExternal(t, s)
	material := newMaterial()
	p, q, foreign := oaep256(t, s, id), oaep256(t, s, id), oaep256(t, s, other)
	sha1 := getParameters(t, s, id, types.AlgorithmSpecRsaesOaepSha1, types.WrappingKeySpecRsa2048)
	larger := getParameters(t, s, id, types.AlgorithmSpecRsaesOaepSha256, types.WrappingKeySpecRsa3072)
	generated := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata.KeyId

	for _, c := range []struct {
		name, errorName, part string
		change                func(in *kms.ImportKeyMaterialInput)
	}{
		{"a generated key", "UnsupportedOperationException", "origin is AWS_KMS which is not valid for this operation.",
			func(in *kms.ImportKeyMaterialInput) { in.KeyId = generated }},
		{"a garbage token", "InvalidImportTokenException", "", func(in *kms.ImportKeyMaterialInput) { in.ImportToken = []byte("token") }},
		{"a long garbage token", "InvalidImportTokenException", "",
			func(in *kms.ImportKeyMaterialInput) { in.ImportToken = bytes.Repeat([]byte{1}, 900) }},
		{"an altered token", "InvalidImportTokenException", "",
			func(in *kms.ImportKeyMaterialInput) { in.ImportToken = flip(in.ImportToken, len(in.ImportToken)-1) }},
		{"a token cut short", "InvalidImportTokenException", "",
			func(in *kms.ImportKeyMaterialInput) { in.ImportToken = in.ImportToken[:len(in.ImportToken)-1] }},
		{"the token of another key", "InvalidImportTokenException", "", func(in *kms.ImportKeyMaterialInput) { in.ImportToken = foreign.ImportToken }},
		{"the token of another pair", "InvalidCiphertextException", "", func(in *kms.ImportKeyMaterialInput) { in.ImportToken = q.ImportToken }},
		{"the token of another algorithm", "InvalidCiphertextException", "", func(in *kms.ImportKeyMaterialInput) {
			in.ImportToken, in.EncryptedKeyMaterial = sha1.ImportToken, parameters{sha1.GetParametersForImportOutput, types.AlgorithmSpecRsaesOaepSha256}.wrap(t, material)
		}},
		{"the token of another size", "ValidationException", "Invalid encrypted key size.", func(in *kms.ImportKeyMaterialInput) { in.ImportToken = larger.ImportToken }},
		{"altered wrapped bytes", "InvalidCiphertextException", "",
			func(in *kms.ImportKeyMaterialInput) { in.EncryptedKeyMaterial = flip(in.EncryptedKeyMaterial, 20) }},
		{"wrapped bytes cut short", "ValidationException", "Invalid encrypted key size.",
			func(in *kms.ImportKeyMaterialInput) { in.EncryptedKeyMaterial = in.EncryptedKeyMaterial[1:] }},
		{"31 bytes", "IncorrectKeyMaterialException", "", func(in *kms.ImportKeyMaterialInput) { in.EncryptedKeyMaterial = p.wrap(t, material[:31]) }},
		{"no bytes", "IncorrectKeyMaterialException", "", func(in *kms.ImportKeyMaterialInput) { in.EncryptedKeyMaterial = p.wrap(t, nil) }},
		{"another material ID", "IncorrectKeyMaterialException", "",
			func(in *kms.ImportKeyMaterialInput) {
				in.KeyMaterialId = aws.String(string(bytes.Repeat([]byte("a"), 64)))
			}},
		{"EXISTING before any import", "IncorrectKeyMaterialException", "",
			func(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeExistingKeyMaterial }},
		{"NEW with a material ID", "ValidationException", "", func(in *kms.ImportKeyMaterialInput) {
			in.ImportType, in.KeyMaterialId = types.ImportTypeNewKeyMaterial, aws.String(string(bytes.Repeat([]byte("a"), 64)))
		}},
		{"no ValidTo", "ValidationException", "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
			func(in *kms.ImportKeyMaterialInput) { in.ExpirationModel = "" }},
		{"ValidTo without expiry", "ValidationException", "", func(in *kms.ImportKeyMaterialInput) { in.ValidTo = after(s, day) }},
		{"ValidTo in the past", "ValidationException", "future", func(in *kms.ImportKeyMaterialInput) { in.ExpirationModel, in.ValidTo = "", after(s, -time.Second) }},
		{"ValidTo too far", "ValidationException", "365 days", func(in *kms.ImportKeyMaterialInput) {
			in.ExpirationModel, in.ValidTo = "", after(s, 365*day+time.Minute)
		}},
		{"an alias name", "NotFoundException", "Invalid keyId", func(in *kms.ImportKeyMaterialInput) { in.KeyId = aws.String("alias/x") }},
		{"an alias ARN", "InvalidArnException", "Key Aliases are not supported",
			func(in *kms.ImportKeyMaterialInput) {
				in.KeyId = aws.String("arn:aws:kms:us-east-1:111122223333:alias/x")
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := p.request(t, material)
			c.change(in)
			_, err := s.Client.ImportKeyMaterial(t.Context(), in)
			wantError(t, err, c.errorName, c.part)
			if m := describe(t, s, id); m.KeyState != types.KeyStatePendingImport || m.CurrentKeyMaterialId != nil {
				t.Errorf("the failed import left %s, material %v", m.KeyState, m.CurrentKeyMaterialId)
			}
		})
	}
	if _, err := s.Client.ImportKeyMaterial(t.Context(), p.request(t, material)); err != nil {
		t.Errorf("after all of these the right import fails: %v", err)
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func TestWrappingRefused(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	for algorithm, name := range map[types.AlgorithmSpec]string{
		"RSAES_PKCS1_V1_5": "UnsupportedOperationException", "SM2PKE": "UnsupportedOperationException",
		"RSA_AES_KEY_WRAP_SHA_1": "ValidationException", "RSA_AES_KEY_WRAP_SHA_256": "ValidationException",
	} {
		_, err := s.Client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{KeyId: id, WrappingAlgorithm: algorithm, WrappingKeySpec: "RSA_2048"})
		wantError(t, err, name, string(algorithm))
	}
	_, err := s.Client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{KeyId: id, WrappingAlgorithm: "RSAES_OAEP_SHA_256", WrappingKeySpec: "SM2"})
	wantError(t, err, "UnsupportedOperationException", "SM2")
	_, err = s.Client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{KeyId: id, WrappingAlgorithm: "ROT13", WrappingKeySpec: "RSA_2048"})
	wantError(t, err, "ValidationException", "Member must satisfy enum value set")
}

func TestMaterialIDIsTheOwners(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	material := newMaterial()
	out := importMaterial(t, s, id, material)
	want, err := crypt.MaterialID(*id, material)
	if err != nil || *out.KeyMaterialId != want || *describe(t, s, id).CurrentKeyMaterialId != want {
		t.Errorf("the server says %s, the owner %s, %v", *out.KeyMaterialId, want, err)
	}
}

// Several sets of parameters are valid at the same time, and each can be used several times.
func TestTokensLiveSideBySide(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	material := newMaterial()
	first, second := oaep256(t, s, id), getParameters(t, s, id, types.AlgorithmSpecRsaesOaepSha1, types.WrappingKeySpecRsa3072)
	for _, p := range []parameters{second, first, second} {
		must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), p.request(t, material)))
	}
}

func TestTokenExpires(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	material := newMaterial()
	p := oaep256(t, s, id)
	if got := p.ParametersValidTo.Sub(s.Now()); got > day || got < day-time.Minute {
		t.Errorf("the parameters are valid for %v", got)
	}
	for _, c := range []struct {
		step time.Duration
		ok   bool
	}{{day - time.Minute, true}, {time.Minute + time.Second, false}, {2 * time.Hour, false}, {365 * day, false}} {
		s.Advance(c.step)
		_, err := s.Client.ImportKeyMaterial(t.Context(), p.request(t, material))
		if c.ok != (err == nil) {
			t.Errorf("at %v: %v", s.Now(), err)
		}
		if !c.ok {
			wantError(t, err, "ExpiredImportTokenException", "")
		}
		// A later hour has another token key. The old tokens stay valid.
		fresh := oaep256(t, s, id)
		must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), fresh.request(t, material)))
	}
}

func TestOnlyTheSameMaterial(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	material, other := newMaterial(), newMaterial()
	importMaterial(t, s, id, material)
	refused := func(when string) {
		t.Helper()
		_, err := s.Client.ImportKeyMaterial(t.Context(), oaep256(t, s, id).request(t, other))
		wantError(t, err, "IncorrectKeyMaterialException", "")
		in := oaep256(t, s, id).request(t, other)
		in.ImportType = types.ImportTypeExistingKeyMaterial
		_, err = s.Client.ImportKeyMaterial(t.Context(), in)
		wantError(t, err, "IncorrectKeyMaterialException", "")
	}
	refused("while it is there")
	must[*kms.DeleteImportedKeyMaterialOutput](t)(s.Client.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: id}))
	refused("after a deletion")
	wantState(t, s, id, types.KeyStatePendingImport)
	in := oaep256(t, s, id).request(t, material)
	in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, after(s, day)
	must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), in))
	s.Advance(day)
	refused("after expiry")
	wantState(t, s, id, types.KeyStatePendingImport)
}

func TestExpiry(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	material := newMaterial()
	importUntil := func(validTo *time.Time) {
		t.Helper()
		in := oaep256(t, s, id).request(t, material)
		in.ExpirationModel, in.ValidTo = "", validTo
		must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), in))
		if m := describe(t, s, id); m.ExpirationModel != types.ExpirationModelTypeKeyMaterialExpires || m.ValidTo.Unix() != validTo.Unix() {
			t.Errorf("ValidTo %v, want %v", m.ValidTo, validTo)
		}
	}
	importUntil(after(s, 10*day))
	importUntil(after(s, 20*day)) // the material is present: only the expiry changes
	blob := encrypt(t, s, id, "hello")
	s.Advance(19 * day)
	wantState(t, s, id, types.KeyStateEnabled)
	s.Advance(day)
	wantState(t, s, id, types.KeyStatePendingImport)
	m := describe(t, s, id)
	if m.ValidTo != nil || m.ExpirationModel != "" || m.CurrentKeyMaterialId == nil {
		t.Errorf("after expiry: %+v", m)
	}
	_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob})
	wantError(t, err, "KMSInvalidStateException", *m.Arn+" is pending import.")

	importMaterial(t, s, id, material)
	if m := describe(t, s, id); m.ValidTo != nil || m.ExpirationModel != types.ExpirationModelTypeKeyMaterialDoesNotExpire {
		t.Errorf("after an import without expiry: %+v", m)
	}
	s.Advance(1000 * day)
	if got := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob})); string(got.Plaintext) != "hello" {
		t.Errorf("plaintext %q", got.Plaintext)
	}
}
