package browser

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
)

// makeKey makes a private key with OpenSSL.
func makeKey(t *testing.T, path, spec string) string {
	t.Helper()
	words := []string{"genpkey", "-out", path, "-algorithm"}
	if bits, ok := strings.CutPrefix(spec, "RSA_"); ok {
		words = append(words, "RSA", "-pkeyopt", "rsa_keygen_bits:"+bits)
	} else {
		words = append(words, "EC", "-pkeyopt", "ec_paramgen_curve:P-"+strings.TrimPrefix(spec, "ECC_NIST_P"))
	}
	openssl(t, words...)
	return path
}

func openssl(t *testing.T, words ...string) []byte {
	t.Helper()
	var stderr strings.Builder
	c := exec.CommandContext(t.Context(), "openssl", words...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("openssl %q: %v\n%s", words, err, stderr.String())
	}
	return out
}

// jwkOf returns a private key in PEM as a JWK (RFC 7518, section 6).
func jwkOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]string{}
	add := func(name string, octets []byte) { members[name] = base64.RawURLEncoding.EncodeToString(octets) }
	switch k := parsed.(type) {
	case *rsa.PrivateKey:
		members["kty"] = "RSA"
		for name, number := range map[string]*big.Int{"n": k.N, "e": big.NewInt(int64(k.E)), "d": k.D, "p": k.Primes[1], "q": k.Primes[0],
			"dp": k.Precomputed.Dq, "dq": k.Precomputed.Dp, "qi": new(big.Int).ModInverse(k.Primes[0], k.Primes[1])} {
			add(name, number.Bytes()) // with the primes in the other order than in the file
		}
	case *ecdsa.PrivateKey:
		members["kty"], members["crv"] = "EC", k.Curve.Params().Name
		private, err1 := k.Bytes()
		point, err2 := k.PublicKey.Bytes()
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		add("d", private)
		add("x", point[1:1+len(point)/2])
		add("y", point[1+len(point)/2:])
	}
	jwk, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return string(jwk)
}

// checkUse compares what the server computes with what OpenSSL, or package byok, computes with the original.
func checkUse(t *testing.T, c *kms.Client, k *types.KeyMetadata, original []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "original")
	if err := os.WriteFile(file, original, 0o600); err != nil {
		t.Fatal(err)
	}
	message := []byte("message")
	var got, want string
	switch {
	case k.KeySpec == "SYMMETRIC_DEFAULT":
		out, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: k.KeyId, Plaintext: message})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := byok.Decrypt(original, out.CiphertextBlob, nil)
		if err != nil {
			t.Error(err)
		}
		got, want = string(plain), string(message)
	case isBytes(string(k.KeySpec)):
		hash := strings.TrimPrefix(string(k.KeySpec), "HMAC_")
		out, err := c.GenerateMac(t.Context(), &kms.GenerateMacInput{KeyId: k.KeyId, Message: message,
			MacAlgorithm: types.MacAlgorithmSpec("HMAC_SHA_" + hash)})
		if err != nil {
			t.Fatal(err)
		}
		in := filepath.Join(t.TempDir(), "message")
		if err := os.WriteFile(in, message, 0o600); err != nil {
			t.Fatal(err)
		}
		got = hex.EncodeToString(out.Mac)
		want = hex.EncodeToString(openssl(t, "mac", "-binary", "-digest", "SHA"+hash,
			"-macopt", "hexkey:"+hex.EncodeToString(original), "-in", in, "HMAC"))
	case k.KeyUsage == types.KeyUsageTypeEncryptDecrypt:
		out, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: k.KeyId, Plaintext: message,
			EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256})
		if err != nil {
			t.Fatal(err)
		}
		in := filepath.Join(t.TempDir(), "ciphertext")
		if err := os.WriteFile(in, out.CiphertextBlob, 0o600); err != nil {
			t.Fatal(err)
		}
		got, want = string(openssl(t, "pkeyutl", "-decrypt", "-inkey", file, "-in", in, "-pkeyopt", "rsa_padding_mode:oaep",
			"-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256")), string(message)
	default:
		out, err := c.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: k.KeyId})
		if err != nil {
			t.Fatal(err)
		}
		got, want = string(out.PublicKey), string(openssl(t, "pkey", "-in", file, "-pubout", "-outform", "DER"))
	}
	if got != want {
		t.Errorf("%s: the server computes %x, and the original gives %x", k.KeySpec, got, want)
	}
}

// privateNumber returns the secret number of a private key in PEM.
func privateNumber(t *testing.T, original []byte) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, original, 0o600); err != nil {
		t.Fatal(err)
	}
	text := string(openssl(t, "pkey", "-in", file, "-noout", "-text"))
	for _, name := range []string{"prime1:", "priv:"} {
		if _, rest, ok := strings.Cut(text, name); ok {
			var digits strings.Builder
			for line := range strings.Lines(strings.TrimPrefix(rest, "\n")) {
				if !strings.HasPrefix(line, "    ") {
					break
				}
				digits.WriteString(strings.NewReplacer(":", "", " ", "", "\n", "").Replace(line))
			}
			number, err := hex.DecodeString(strings.TrimPrefix(digits.String(), "00"))
			if err != nil || len(number) < 30 {
				t.Fatalf("the private number of the key: %v, %d bytes", err, len(number))
			}
			return number
		}
	}
	t.Fatal("the key has no private number")
	return nil
}
