package byok_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/key"
)

// run runs another program and returns its output.
func run(t *testing.T, input []byte, command ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	var talk bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, &talk)
	}
	return out
}

func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	return run(t, input, append([]string{"openssl"}, args...)...)
}

// genpkey makes private keys of each spec, in PEM.
var genpkey = map[string]string{
	"RSA_2048":        "RSA -pkeyopt rsa_keygen_bits:2048",
	"RSA_3072":        "RSA -pkeyopt rsa_keygen_bits:3072",
	"RSA_4096":        "RSA -pkeyopt rsa_keygen_bits:4096",
	"ECC_NIST_P256":   "EC -pkeyopt ec_paramgen_curve:P-256",
	"ECC_NIST_P384":   "EC -pkeyopt ec_paramgen_curve:P-384",
	"ECC_NIST_P521":   "EC -pkeyopt ec_paramgen_curve:P-521",
	"ECC_SECG_P256K1": "EC -pkeyopt ec_paramgen_curve:secp256k1",
}

var pemKeys sync.Map

func privatePEM(t *testing.T, spec string) []byte {
	t.Helper()
	kept, ok := pemKeys.Load(spec)
	if !ok {
		kept = openssl(t, nil, append([]string{"genpkey", "-algorithm"}, strings.Fields(genpkey[spec])...)...)
		pemKeys.Store(spec, kept)
	}
	return bytes.Clone(kept.([]byte))
}

func noPassphrase() ([]byte, error) { return nil, errors.New("no passphrase is wanted here") }

// Whatever other programs write a private key in is read to the same key, and said.
func TestReadPrivateKey(t *testing.T) {
	python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
	for spec := range genpkey {
		text := privatePEM(t, spec)
		public := openssl(t, text, "pkey", "-pubout", "-outform", "DER")
		der := openssl(t, text, "pkcs8", "-topk8", "-nocrypt", "-outform", "DER")
		oldForm := "PKCS #1"
		if spec[:3] == "ECC" {
			oldForm = "SEC 1"
		}
		forms := map[string][]byte{
			"PEM, PKCS #8":                             text,
			"DER, PKCS #8":                             der,
			"PEM, " + oldForm:                          openssl(t, text, "pkey", "-traditional"),
			"DER, " + oldForm:                          openssl(t, text, "pkey", "-traditional", "-outform", "DER"),
			"JWK":                                      run(t, text, python, "testdata/jwk.py"),
			"PEM, encrypted PKCS #8 (AES-256-CBC)":     openssl(t, text, "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:secret"),
			"DER, encrypted PKCS #8 (AES-128-CBC)":     openssl(t, text, "pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512", "-outform", "DER", "-passout", "pass:secret"),
			"PEM, encrypted PKCS #8 (AES-192-CBC)":     openssl(t, text, "pkcs8", "-topk8", "-v2", "aes-192-cbc", "-scrypt", "-passout", "pass:secret"),
			"PEM, encrypted PKCS #8 (DES-EDE3-CBC)":    openssl(t, text, "pkcs8", "-topk8", "-v2", "des3", "-v2prf", "hmacWithSHA1", "-passout", "pass:secret"),
			"PEM, encrypted (AES-256-CBC), " + oldForm: openssl(t, text, "pkey", "-traditional", "-aes256", "-passout", "pass:secret"),
		}
		for form, content := range forms {
			if (spec == "RSA_3072" || spec == "RSA_4096") && form != "PEM, PKCS #8" && form != "JWK" {
				continue // as for the smaller ones, and slow
			}
			asked := 0
			before := bytes.Clone(content)
			secret := []byte("secret")
			k, err := byok.ReadPrivateKey(content, func() ([]byte, error) { asked++; return secret, nil })
			if err != nil || k.KeySpec != spec || k.Form != form || !bytes.Equal(k.PublicKey, public) {
				t.Errorf("%s, %s: %+v, %v", spec, form, k, err)
				continue
			}
			if encrypted := strings.Contains(form, "encrypted"); encrypted != (asked == 1) || encrypted != bytes.Equal(secret, make([]byte, 6)) {
				t.Errorf("%s, %s: asked %d times, and left %q", spec, form, asked, secret)
			}
			if !bytes.Equal(openssl(t, k.Material, "pkey", "-inform", "DER", "-pubout", "-outform", "DER"), public) {
				t.Errorf("%s, %s: the material is another key", spec, form)
			}
			if !bytes.Equal(content, before) {
				t.Errorf("%s, %s: the content was changed", spec, form)
			}
			if !strings.Contains(form, "encrypted") {
				continue
			}
			if _, err := byok.ReadPrivateKey(content, func() ([]byte, error) { return []byte("Secret"), nil }); !errors.Is(err, byok.ErrPassphrase) && !errors.Is(err, byok.ErrNoPrivateKey) {
				t.Errorf("%s, %s: with a wrong passphrase: %v", spec, form, err)
			}
			refused := errors.New("nobody is there")
			if _, err := byok.ReadPrivateKey(content, func() ([]byte, error) { return nil, refused }); !errors.Is(err, refused) {
				t.Errorf("%s, %s: without passphrase: %v", spec, form, err)
			}
		}
	}
}

// A file that begins with the curve, as openssl ecparam -genkey writes it, is read;
// so is one with the certificate of the key.
func TestReadPrivateKeyAmongOthers(t *testing.T) {
	with := openssl(t, nil, "ecparam", "-name", "prime256v1", "-genkey")
	if !bytes.Contains(with, []byte("BEGIN EC PARAMETERS")) {
		t.Fatal("openssl writes no parameters")
	}
	certificate := openssl(t, nil, "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=test", "-keyout", "-")
	for name, content := range map[string][]byte{"parameters": with, "a certificate": certificate, "talk": append([]byte("Bag Attributes\n"), with...)} {
		if k, err := byok.ReadPrivateKey(content, noPassphrase); err != nil {
			t.Errorf("%s: %+v, %v", name, k, err)
		}
	}
}

// What is wrong with a private key is said here, where nobody can be attacked by it.
func TestReadPrivateKeyRefuses(t *testing.T) {
	good := privatePEM(t, "ECC_NIST_P256")
	block, _ := pem.Decode(good)
	block.Bytes[40] ^= 1 // of the scalar
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"nothing", nil, "it is no private key"},
		{"32 bytes", counting(32), "it is no private key"},
		{"text", []byte("correct horse battery staple"), "it is no private key"},
		{"JSON of another kind", []byte(`{"a": 1}`), "no JWK, as it has no kty"},
		{"half a JWK", []byte(`{"kty": "RSA"`), "it is no private key"},
		{"a public JWK", []byte(`{"kty": "RSA", "n": "AQAB", "e": "AQAB"}`), "no private key, which would be its member d"},
		{"a JWK with a member twice", []byte(`{"kty": "EC", "d": "AQ", "d": "AQ"}`), `the member "d" twice`},
		{"a JWK that lacks a prime", []byte(`{"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB"}`), `has no member "p"`},
		{"a JWK of three primes", []byte(`{"kty": "RSA", "d": "AQ", "oth": []}`), "more than two primes"},
		{"a JWK in base64 with padding", []byte(`{"kty": "EC", "crv": "P-256", "d": "AQ==", "x": "AQ", "y": "AQ"}`), `"d" of the JWK is not base64url`},
		{"an OKP", []byte(`{"kty": "OKP", "crv": "Ed25519", "d": "AQ"}`), `a JWK of the type "OKP"`},
		{"another curve in a JWK", []byte(`{"kty": "EC", "crv": "P-192", "d": "AQ"}`), `on the curve "P-192"`},
		{"a symmetric JWK", []byte(`{"kty": "oct", "k": "AQ"}`), "it is no private key"},
		{"two keys", append(bytes.Clone(good), good...), "several private keys"},
		{"a public key", openssl(t, good, "pkey", "-pubout"), "no private key in it, but only PUBLIC KEY"},
		{"PEM without its end", good[:len(good)-10], "the PEM is damaged"},
		{"a key of OpenSSH", pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte("x")}), "ssh-keygen -p -m PKCS8"},
		{"RSA of 1024 bits", openssl(t, nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "an RSA key of 1024 bits"},
		{"Ed25519", openssl(t, nil, "genpkey", "-algorithm", "ED25519"), "of the algorithm 1.3.101.112"},
		{"exponent 3", openssl(t, nil, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"), "a public exponent below 65537"},
		{"another scalar", pem.EncodeToMemory(block), "a public key that is not that of its scalar"},
		{"encrypted as 20 years ago", openssl(t, good, "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:secret"), "openssl pkcs8 -topk8 -v2"},
	} {
		k, err := byok.ReadPrivateKey(c.content, noPassphrase)
		if k != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, not %q", c.name, err, c.want)
		}
	}
}

// What is wrapped for a private key opens with OpenSSL alone, and is the key.
func TestWrapPrivateKey(t *testing.T) {
	public, private := generate(t, 2048)
	for spec := range genpkey {
		k, err := byok.ReadPrivateKey(privatePEM(t, spec), noPassphrase)
		if err != nil {
			t.Fatal(err)
		}
		for _, algorithm := range []byok.Algorithm{byok.RSAAESKeyWrapSHA1, byok.RSAAESKeyWrapSHA256} {
			p := byok.Parameters{KeyARN: keyARN, KeySpec: spec, Algorithm: algorithm, PublicKey: public, Token: []byte("token")}
			w, err := p.Wrap(k.Material)
			if err != nil || !bytes.Equal(w.PublicKey, k.PublicKey) {
				t.Fatalf("%s: %v", spec, err)
			}
			digest := map[byok.Algorithm]string{byok.RSAAESKeyWrapSHA1: "sha1", byok.RSAAESKeyWrapSHA256: "sha256"}[algorithm]
			sessionKey, err := opensslDecrypt(private, digest, w.Material[:256])
			if err != nil || len(sessionKey) != 32 {
				t.Fatalf("%s, %s: %d bytes, %v", spec, algorithm, len(sessionKey), err)
			}
			opened := openssl(t, w.Material[256:], "enc", "-d", "-id-aes256-wrap-pad", "-K", hex.EncodeToString(sessionKey), "-iv", "A65959A6")
			if !bytes.Equal(opened, k.Material) {
				t.Errorf("%s, %s: OpenSSL opens it to something else", spec, algorithm)
			}
			read, err := byok.ParseWrapped(w.Encode())
			if err != nil || !bytes.Equal(read.PublicKey, k.PublicKey) {
				t.Errorf("%s: the file loses the public key: %v", spec, err)
			}
			if _, err := p.Wrap(counting(32)); err == nil {
				t.Errorf("%s: 32 bytes are wrapped", spec)
			}
		}
		if a, err := byok.AlgorithmFor(spec); a != byok.RSAAESKeyWrapSHA256 || err != nil || !byok.HasPrivateKey(spec) {
			t.Errorf("%s: %s, %v", spec, a, err)
		}
	}
	for _, spec := range []string{"SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_512"} {
		if a, err := byok.AlgorithmFor(spec); a != byok.RSAESOAEPSHA256 || err != nil || byok.HasPrivateKey(spec) {
			t.Errorf("%s: %s, %v", spec, a, err)
		}
	}
	if a, err := byok.AlgorithmFor("ML_KEM_512"); err == nil {
		t.Error(a)
	}
}

// JSON Web Keys of bytes, as other programs write them.
func TestDecodeMaterialJWK(t *testing.T) {
	const jwk = `{"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","alg":"HS256","key_ops":["sign"]}` + "\n"
	if got, encoding, err := byok.DecodeMaterial([]byte(jwk), 32); !bytes.Equal(got, counting(32)) || encoding != byok.JWK || err != nil {
		t.Errorf("%x, %s, %v", got, encoding, err)
	}
	for content, want := range map[string]string{
		`{"kty":"oct","k":"AAEC"}`:        "3 bytes, which are no key material of 32",
		`{"kty":"oct","k":"AAEC="}`:       "not base64url",
		`{"kty":"oct"}`:                   `no member "k"`,
		`{"kty":"EC","d":"AAEC"}`:         `of the type "EC", not oct`,
		`{"kty":"oct"`:                    "begins as a JWK, but is none",
		`{"kty":"oct","k":"AAEC","k":""}`: "twice",
	} {
		if got, _, err := byok.DecodeMaterial([]byte(content), 32); got != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %x, %v", content, got, err)
		}
	}
}

// What always works is permitted by the server, under each wrapping key, for each spec
// that material is imported for.
func TestAlgorithmForAlwaysWorks(t *testing.T) {
	table := key.ParseWrappings()
	for _, spec := range []key.Spec{"SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "RSA_2048", "RSA_3072", "RSA_4096",
		"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"} {
		for _, wrappingKey := range []string{"RSA_2048", "RSA_3072", "RSA_4096"} {
			a, err := byok.AlgorithmFor(string(spec))
			if err != nil {
				t.Fatal(err)
			}
			if err := table.Permit(key.Key{Spec: spec}, string(a), wrappingKey); err != nil {
				t.Error(err)
			}
		}
	}
}
