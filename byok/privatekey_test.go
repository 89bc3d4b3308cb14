package byok_test

import (
	"bytes"
	"encoding/hex"
	"errors"
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
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, &stderr)
	}
	return out
}

func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	return run(t, input, append([]string{"openssl"}, args...)...)
}

// genpkey generates private keys of each spec, in PEM.
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

// Material returns the material for a key of the file's spec. An error names the kind of the
// file, or says why its key is refused.
func TestReadOriginal(t *testing.T) {
	for spec := range genpkey {
		text := privatePEM(t, spec)
		o, err := byok.ReadOriginal(text, noPassphrase)
		if err != nil || o.KeySpec() != spec {
			t.Fatalf("%s: %v", spec, err)
		}
		m, err := o.Material(spec)
		public := openssl(t, text, "pkey", "-pubout", "-outform", "DER")
		if err != nil || m.KeySpec != spec || m.Form != "PEM, PKCS #8" || !bytes.Equal(m.PublicKey, public) {
			t.Errorf("%s: %+v, %v", spec, m, err)
		}
		if !bytes.Equal(openssl(t, m.Bytes, "pkey", "-inform", "DER", "-pubout", "-outform", "DER"), public) {
			t.Errorf("%s: the material is another key", spec)
		}
		if m, err := o.Material("HMAC_256"); m != nil || err == nil || !strings.HasPrefix(err.Error(), "byok: it is a private key of the spec "+spec) {
			t.Errorf("%s: %v", spec, err)
		}
		if o.Clear(); m.Bytes[0] == 0 {
			t.Errorf("%s: the material is not a copy", spec)
		}
	}
	o, err := byok.ReadOriginal([]byte("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"), noPassphrase)
	if err != nil || o.KeySpec() != "" {
		t.Fatal(err)
	}
	m, err := o.Material("SYMMETRIC_DEFAULT")
	if err != nil || !bytes.Equal(m.Bytes, countingBytes(32)) || m.Form != "hexadecimal" || m.PublicKey != nil {
		t.Errorf("%+v, %v", m, err)
	}
	if o, err := byok.ReadOriginal(nil, noPassphrase); o != nil || err == nil || err.Error() != "byok: it is an empty file: check how the file came here" {
		t.Errorf("%v, %v", o, err)
	}
	encrypted := openssl(t, privatePEM(t, "ECC_NIST_P256"), "pkcs8", "-topk8", "-passout", "pass:secret")
	if _, err := byok.ReadOriginal(encrypted, func() ([]byte, error) { return []byte("Secret"), nil }); !errors.Is(err, byok.ErrPassphrase) {
		t.Error(err)
	}
}

// OpenSSL unwraps a wrapped private key, and gets the same key.
func TestWrapPrivateKey(t *testing.T) {
	public, private := generate(t, 2048)
	for spec := range genpkey {
		o, err := byok.ReadOriginal(privatePEM(t, spec), noPassphrase)
		if err != nil {
			t.Fatal(err)
		}
		k, err := o.Material(spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, algorithm := range []byok.Algorithm{byok.RSAAESKeyWrapSHA1, byok.RSAAESKeyWrapSHA256} {
			p := byok.Parameters{KeyARN: keyARN, KeySpec: spec, Algorithm: algorithm, PublicKey: public, Token: []byte("token")}
			w, err := p.Wrap(k.Bytes)
			if err != nil || !bytes.Equal(w.PublicKey, k.PublicKey) {
				t.Fatalf("%s: %v", spec, err)
			}
			digest := map[byok.Algorithm]string{byok.RSAAESKeyWrapSHA1: "sha1", byok.RSAAESKeyWrapSHA256: "sha256"}[algorithm]
			sessionKey, err := opensslDecrypt(private, digest, w.Material[:256])
			if err != nil || len(sessionKey) != 32 {
				t.Fatalf("%s, %s: %d bytes, %v", spec, algorithm, len(sessionKey), err)
			}
			opened := openssl(t, w.Material[256:], "enc", "-d", "-id-aes256-wrap-pad", "-K", hex.EncodeToString(sessionKey), "-iv", "A65959A6")
			if !bytes.Equal(opened, k.Bytes) {
				t.Errorf("%s, %s: OpenSSL opens it to something else", spec, algorithm)
			}
			read, err := byok.ParseWrapped(w.Encode())
			if err != nil || !bytes.Equal(read.PublicKey, k.PublicKey) {
				t.Errorf("%s: the file loses the public key: %v", spec, err)
			}
			if _, err := p.Wrap(countingBytes(32)); err == nil {
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

// The server permits the algorithm of AlgorithmFor under each wrapping key, for each spec whose
// keys can be imported.
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

// Text removes the byte order mark that programs on Windows write.
func TestText(t *testing.T) {
	if got := byok.Text([]byte("\xef\xbb\xbftext")); string(got) != "text" {
		t.Errorf("%q", got)
	}
}
