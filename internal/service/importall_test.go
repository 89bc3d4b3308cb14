package service_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/tink-crypto/tink-go/v2/kwp/subtle"

	"github.com/keyhold/keyhold/kmstest"
)

// wrapHybrid wraps a private key as its owner does.
func (p parameters) wrapHybrid(t *testing.T, material []byte) []byte {
	t.Helper()
	oaep := p
	oaep.algorithm = types.AlgorithmSpecRsaesOaepSha256
	if p.algorithm == types.AlgorithmSpecRsaAesKeyWrapSha1 {
		oaep.algorithm = types.AlgorithmSpecRsaesOaepSha1
	}
	sessionKey := newMaterial()
	kwp := must[*subtle.KWP](t)(subtle.NewKWP(sessionKey))
	return append(oaep.wrap(t, sessionKey), must[[]byte](t)(kwp.Wrap(material))...)
}

// An importedKey is a key whose owner has its material.
type importedKey struct {
	id       *string
	spec     types.KeySpec
	material []byte
}

func createOf(t *testing.T, s *kmstest.Server, spec types.KeySpec, usage types.KeyUsageType) *string {
	t.Helper()
	out := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Origin: types.OriginTypeExternal, KeySpec: spec, KeyUsage: usage}))
	if out.KeyMetadata.KeyState != types.KeyStatePendingImport {
		t.Errorf("%s: a new key without material is %s", spec, out.KeyMetadata.KeyState)
	}
	return out.KeyMetadata.KeyId
}

// send wraps material with the algorithm and sends it, without expiry.
func (k importedKey) send(t *testing.T, s *kmstest.Server, algorithm types.AlgorithmSpec, material []byte) (*kms.ImportKeyMaterialOutput, error) {
	t.Helper()
	wrappingKey := types.WrappingKeySpecRsa2048
	if len(material) > 190 && (algorithm == oaepSHA1 || algorithm == oaepSHA256) {
		wrappingKey = types.WrappingKeySpecRsa3072
	}
	p := getParameters(t, s, k.id, algorithm, wrappingKey)
	in := &kms.ImportKeyMaterialInput{
		KeyId: p.KeyId, ImportToken: p.ImportToken,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
	if algorithm == types.AlgorithmSpecRsaAesKeyWrapSha1 || algorithm == types.AlgorithmSpecRsaAesKeyWrapSha256 {
		in.EncryptedKeyMaterial = p.wrapHybrid(t, material)
	} else {
		in.EncryptedKeyMaterial = p.wrap(t, material)
	}
	return s.Client.ImportKeyMaterial(t.Context(), in)
}

func rsaMaterial(t *testing.T, bits int) []byte {
	t.Helper()
	return must[[]byte](t)(x509.MarshalPKCS8PrivateKey(must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, bits))))
}

func ecMaterial(t *testing.T, c elliptic.Curve) []byte {
	t.Helper()
	return must[[]byte](t)(x509.MarshalPKCS8PrivateKey(must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(c, rand.Reader))))
}

// randomBytes returns material without a structure.
func randomBytes(n int) []byte { return bytes.Repeat(newMaterial(), 3)[:n] }

const (
	oaepSHA1, oaepSHA256 = types.AlgorithmSpecRsaesOaepSha1, types.AlgorithmSpecRsaesOaepSha256
	hybrid1, hybrid2     = types.AlgorithmSpecRsaAesKeyWrapSha1, types.AlgorithmSpecRsaAesKeyWrapSha256
)

// Each kind of material can be imported with each algorithm. After its deletion the key is
// unusable. After another import of the same material the key works again. Other material is
// refused.
func TestImportOfEachKind(t *testing.T) {
	s := kmstest.Start(t)
	for _, c := range []struct {
		spec            types.KeySpec
		usage           types.KeyUsageType
		material, other []byte
		ways            []types.AlgorithmSpec
	}{
		{"HMAC_224", "GENERATE_VERIFY_MAC", randomBytes(28), randomBytes(28), []types.AlgorithmSpec{oaepSHA1, oaepSHA256}},
		{"HMAC_256", "GENERATE_VERIFY_MAC", randomBytes(32), randomBytes(32), []types.AlgorithmSpec{oaepSHA1, oaepSHA256}},
		{"HMAC_384", "GENERATE_VERIFY_MAC", randomBytes(48), randomBytes(48), []types.AlgorithmSpec{oaepSHA1, oaepSHA256}},
		{"HMAC_512", "GENERATE_VERIFY_MAC", randomBytes(64), randomBytes(64), []types.AlgorithmSpec{oaepSHA1, oaepSHA256}},
		{"RSA_2048", "SIGN_VERIFY", rsaMaterial(t, 2048), rsaMaterial(t, 2048), []types.AlgorithmSpec{hybrid1, hybrid2}},
		{"RSA_2048", "ENCRYPT_DECRYPT", rsaMaterial(t, 2048), rsaMaterial(t, 3072), []types.AlgorithmSpec{hybrid2}},
		{"RSA_3072", "SIGN_VERIFY", rsaMaterial(t, 3072), rsaMaterial(t, 2048), []types.AlgorithmSpec{hybrid2}},
		{"ECC_NIST_P256", "SIGN_VERIFY", ecMaterial(t, elliptic.P256()), ecMaterial(t, elliptic.P256()), []types.AlgorithmSpec{oaepSHA1, oaepSHA256, hybrid1, hybrid2}},
		{"ECC_NIST_P384", "KEY_AGREEMENT", ecMaterial(t, elliptic.P384()), ecMaterial(t, elliptic.P256()), []types.AlgorithmSpec{oaepSHA1, oaepSHA256, hybrid1, hybrid2}},
		{"ECC_NIST_P521", "SIGN_VERIFY", ecMaterial(t, elliptic.P521()), ecMaterial(t, elliptic.P521()), []types.AlgorithmSpec{oaepSHA256, hybrid1}},
	} {
		t.Run(string(c.spec)+"/"+string(c.usage), func(t *testing.T) {
			k := importedKey{createOf(t, s, c.spec, c.usage), c.spec, c.material}
			var id string
			for _, algorithm := range c.ways {
				out := must[*kms.ImportKeyMaterialOutput](t)(k.send(t, s, algorithm, c.material))
				if got := aws.ToString(out.KeyMaterialId); id != "" && got != id {
					t.Errorf("%s: the same material has the ID %s, and had %s", algorithm, got, id)
				} else {
					id = got
				}
				wantState(t, s, k.id, types.KeyStateEnabled)
				k.wantPublic(t, s)
				_, err := k.send(t, s, algorithm, c.other)
				wantError(t, err, "IncorrectKeyMaterialException", "")
				must[*kms.DeleteImportedKeyMaterialOutput](t)(s.Client.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: k.id}))
				wantState(t, s, k.id, types.KeyStatePendingImport)
				_, err = k.send(t, s, algorithm, c.other)
				wantError(t, err, "IncorrectKeyMaterialException", "")
				k.wantUnusable(t, s)
			}
			if m := describe(t, s, k.id); m.CurrentKeyMaterialId != nil || m.KeySpec != c.spec || m.KeyUsage != c.usage {
				t.Errorf("it is described as %s, %s, material %v", m.KeySpec, m.KeyUsage, m.CurrentKeyMaterialId)
			}
		})
	}
}

// wantPublic compares the public key with the owner's, for asymmetric material.
func (k importedKey) wantPublic(t *testing.T, s *kmstest.Server) {
	t.Helper()
	private, err := x509.ParsePKCS8PrivateKey(k.material)
	if err != nil {
		return // symmetric material
	}
	want := must[[]byte](t)(x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public()))
	out := must[*kms.GetPublicKeyOutput](t)(s.Client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: k.id}))
	if !bytes.Equal(out.PublicKey, want) {
		t.Errorf("%s: the public key is another", k.spec)
	}
}

// wantUnusable checks that a key without its material refuses operations.
func (k importedKey) wantUnusable(t *testing.T, s *kmstest.Server) {
	t.Helper()
	const part = " is pending import."
	if k.spec[:4] == "HMAC" {
		_, err := s.Client.GenerateMac(t.Context(), &kms.GenerateMacInput{KeyId: k.id, MacAlgorithm: "HMAC_SHA_" + types.MacAlgorithmSpec(k.spec[5:]), Message: []byte("x")})
		wantError(t, err, "KMSInvalidStateException", part)
		return
	}
	_, err := s.Client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: k.id})
	wantError(t, err, "KMSInvalidStateException", part)
}

// Members about several materials are rejected for keys that can have only one material.
func TestMembersOfSymmetricImports(t *testing.T) {
	s := kmstest.Start(t)
	k := importedKey{id: createOf(t, s, "HMAC_256", "GENERATE_VERIFY_MAC")}
	material := newMaterial()
	for member, change := range map[string]func(in *kms.ImportKeyMaterialInput){
		"ImportType": func(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeNewKeyMaterial },
		"KeyMaterialId": func(in *kms.ImportKeyMaterialInput) {
			in.KeyMaterialId = aws.String(string(bytes.Repeat([]byte("a"), 64)))
		},
		"KeyMaterialDescription": func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialDescription = aws.String("mine") },
	} {
		in := oaep256(t, s, k.id).request(t, material)
		change(in)
		_, err := s.Client.ImportKeyMaterial(t.Context(), in)
		wantError(t, err, "ValidationException", member)
	}
	wantState(t, s, k.id, types.KeyStatePendingImport)
	must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), oaep256(t, s, k.id).request(t, material)))
}

// A wrapping algorithm that does not fit a key spec is refused before a key pair is generated.
func TestWrappingOfEachKind(t *testing.T) {
	s := kmstest.Start(t)
	for _, c := range []struct {
		spec        types.KeySpec
		usage       types.KeyUsageType
		algorithm   types.AlgorithmSpec
		wrappingKey types.WrappingKeySpec
		error       string // "" if the algorithm is permitted
	}{
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", hybrid2, "RSA_2048", "ValidationException"},
		{"HMAC_512", "GENERATE_VERIFY_MAC", hybrid1, "RSA_2048", "ValidationException"},
		{"HMAC_512", "GENERATE_VERIFY_MAC", oaepSHA1, "RSA_2048", ""},
		{"RSA_2048", "SIGN_VERIFY", oaepSHA256, "RSA_4096", "ValidationException"},
		{"RSA_4096", "ENCRYPT_DECRYPT", oaepSHA1, "RSA_4096", "ValidationException"},
		{"RSA_4096", "SIGN_VERIFY", hybrid1, "RSA_2048", ""},
		{"ECC_NIST_P521", "SIGN_VERIFY", oaepSHA256, "RSA_2048", "ValidationException"},
		{"ECC_NIST_P521", "KEY_AGREEMENT", oaepSHA1, "RSA_2048", "ValidationException"},
		{"ECC_NIST_P521", "SIGN_VERIFY", oaepSHA256, "RSA_3072", ""},
		{"ECC_NIST_P521", "SIGN_VERIFY", hybrid2, "RSA_2048", ""},
		{"ECC_SECG_P256K1", "SIGN_VERIFY", oaepSHA256, "RSA_2048", ""},
		{"ECC_NIST_P256", "SIGN_VERIFY", "RSAES_PKCS1_V1_5", "RSA_2048", "UnsupportedOperationException"},
		{"ECC_NIST_P256", "SIGN_VERIFY", "SM2PKE", "SM2", "UnsupportedOperationException"},
		{"ECC_NIST_P256", "SIGN_VERIFY", oaepSHA256, "SM2", "UnsupportedOperationException"},
	} {
		_, err := s.Client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{
			KeyId: createOf(t, s, c.spec, c.usage), WrappingAlgorithm: c.algorithm, WrappingKeySpec: c.wrappingKey,
		})
		if c.error == "" && err != nil {
			t.Errorf("%+v: %v", c, err)
		}
		if c.error != "" {
			wantError(t, err, c.error, string(c.algorithm))
		}
	}
}

// Material of an HMAC key has at least the size of its hash and at most 1,024 bits.
// Source: "Requirements for imported key material" in the developer guide.
func TestSizesOfHMACMaterial(t *testing.T) {
	s := kmstest.Start(t)
	for spec, least := range map[types.KeySpec]int{"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64} {
		for _, size := range []int{least - 1, least, least + 1, 128, 129} {
			k := importedKey{createOf(t, s, spec, "GENERATE_VERIFY_MAC"), spec, nil}
			_, err := k.send(t, s, oaepSHA256, bytes.Repeat([]byte{7}, size))
			if size < least || size > 128 {
				wantError(t, err, "IncorrectKeyMaterialException", "")
				continue
			}
			if err != nil {
				t.Errorf("%s with %d bytes: %v", spec, size, err)
				continue
			}
			must[*kms.GenerateMacOutput](t)(s.Client.GenerateMac(t.Context(), &kms.GenerateMacInput{KeyId: k.id, MacAlgorithm: "HMAC_SHA_" + types.MacAlgorithmSpec(spec[5:]), Message: []byte("x")}))
		}
	}
}
