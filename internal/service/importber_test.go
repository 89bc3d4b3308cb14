package service_test

import (
	"bytes"
	"encoding/asn1"
	"os/exec"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

// genpkey returns a private key that OpenSSL makes, in PKCS #8 and DER.
func genpkey(t *testing.T, args ...string) []byte {
	t.Helper()
	return openssl(t, openssl(t, nil, append([]string{"genpkey"}, args...)...), "pkcs8", "-topk8", "-nocrypt", "-outform", "DER")
}

func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Stdin = bytes.NewReader(input)
	return must[[]byte](t)(cmd.Output())
}

// inBER returns PKCS #8 in DER as BER: with indefinite lengths, and with the private key
// in three segments, the second of which has a length in more bytes than it needs.
func inBER(t *testing.T, der []byte) []byte {
	t.Helper()
	var info struct {
		Version    int
		Algorithm  asn1.RawValue
		PrivateKey []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		t.Fatalf("not PKCS #8: %v", err)
	}
	inner := slices.Concat([]byte{0x30, 0x80}, contentOf(t, info.PrivateKey), []byte{0, 0})
	segments := slices.Concat([]byte{0x24, 0x80}, []byte{4, 2}, inner[:2], []byte{4, 0x83, 0, 0, 20}, inner[2:22], octets(t, inner[22:]), []byte{0, 0})
	return slices.Concat([]byte{0x30, 0x80, 2, 1, 0}, info.Algorithm.FullBytes, segments, []byte{0, 0})
}

func contentOf(t *testing.T, der []byte) []byte {
	t.Helper()
	var v asn1.RawValue
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		t.Fatal(err)
	}
	return v.Bytes
}

func octets(t *testing.T, content []byte) []byte {
	t.Helper()
	return must[[]byte](t)(asn1.Marshal(content))
}

// A private key in BER can be imported, is the same material as in DER, and works. Source:
// "Requirements for imported key material" in the developer guide.
func TestImportOfBER(t *testing.T) {
	s := kmstest.Start(t)
	ec := func(curve string) []string {
		return []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve}
	}
	rsa := []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}
	for _, c := range []struct {
		spec    types.KeySpec
		usage   types.KeyUsageType
		way     types.AlgorithmSpec
		genpkey []string
		use     func(t *testing.T, s *kmstest.Server, id *string)
	}{
		{"RSA_2048", "SIGN_VERIFY", hybrid2, rsa, signs("RSASSA_PSS_SHA_256")},
		{"RSA_2048", "ENCRYPT_DECRYPT", hybrid1, rsa, encrypts},
		{"ECC_NIST_P256", "SIGN_VERIFY", oaepSHA256, ec("P-256"), signs("ECDSA_SHA_256")},
		{"ECC_NIST_P384", "SIGN_VERIFY", hybrid2, ec("P-384"), signs("ECDSA_SHA_384")},
		{"ECC_NIST_P521", "SIGN_VERIFY", hybrid1, ec("P-521"), signs("ECDSA_SHA_512")},
		{"ECC_NIST_P256", "KEY_AGREEMENT", oaepSHA256, ec("P-256"), agrees},
		{"ECC_SECG_P256K1", "SIGN_VERIFY", oaepSHA256, ec("secp256k1"), signs("ECDSA_SHA_256")},
	} {
		t.Run(string(c.spec)+"/"+string(c.usage), func(t *testing.T) {
			der := genpkey(t, c.genpkey...)
			k := importedKey{createOf(t, s, c.spec, c.usage), c.spec, der}
			id := must[*kms.ImportKeyMaterialOutput](t)(k.send(t, s, c.way, inBER(t, der))).KeyMaterialId
			public := must[*kms.GetPublicKeyOutput](t)(s.Client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: k.id})).PublicKey
			if !bytes.Equal(public, openssl(t, der, "pkey", "-inform", "DER", "-pubout", "-outform", "DER")) {
				t.Error("the public key is another")
			}
			c.use(t, s, k.id)
			if again := must[*kms.ImportKeyMaterialOutput](t)(k.send(t, s, c.way, der)).KeyMaterialId; aws.ToString(again) != aws.ToString(id) {
				t.Errorf("in DER it is the material %s, in BER %s", aws.ToString(again), aws.ToString(id))
			}
			_, err := k.send(t, s, c.way, inBER(t, der)[:40])
			wantError(t, err, "IncorrectKeyMaterialException", "")
		})
	}
}

func signs(algorithm types.SigningAlgorithmSpec) func(t *testing.T, s *kmstest.Server, id *string) {
	return func(t *testing.T, s *kmstest.Server, id *string) {
		signed := must[*kms.SignOutput](t)(s.Client.Sign(t.Context(), &kms.SignInput{KeyId: id, Message: []byte("m"), SigningAlgorithm: algorithm}))
		must[*kms.VerifyOutput](t)(s.Client.Verify(t.Context(), &kms.VerifyInput{KeyId: id, Message: []byte("m"), SigningAlgorithm: algorithm, Signature: signed.Signature}))
	}
}

func encrypts(t *testing.T, s *kmstest.Server, id *string) {
	const algorithm = types.EncryptionAlgorithmSpecRsaesOaepSha256
	sealed := must[*kms.EncryptOutput](t)(s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("p"), EncryptionAlgorithm: algorithm}))
	opened := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{KeyId: id, CiphertextBlob: sealed.CiphertextBlob, EncryptionAlgorithm: algorithm}))
	if string(opened.Plaintext) != "p" {
		t.Errorf("it opens %q", opened.Plaintext)
	}
}

func agrees(t *testing.T, s *kmstest.Server, id *string) {
	public := must[*kms.GetPublicKeyOutput](t)(s.Client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: id})).PublicKey
	must[*kms.DeriveSharedSecretOutput](t)(s.Client.DeriveSharedSecret(t.Context(), &kms.DeriveSharedSecretInput{KeyId: id, KeyAgreementAlgorithm: "ECDH", PublicKey: public}))
}
