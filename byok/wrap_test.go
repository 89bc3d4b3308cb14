package byok_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/byok"
)

// digests has OpenSSL's name of the hash of each algorithm, and the hash's size.
var digests = map[byok.Algorithm]struct {
	name string
	size int
}{
	byok.RSAESOAEPSHA1:   {"sha1", 20},
	byok.RSAESOAEPSHA256: {"sha256", 32},
}

// opensslDecrypt decrypts wrapped material with OpenSSL.
func opensslDecrypt(privateKey, digest string, wrapped []byte) ([]byte, error) {
	cmd := exec.Command("openssl", "pkeyutl", "-decrypt", "-keyform", "DER", "-inkey", privateKey,
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+digest, "-pkeyopt", "rsa_mgf1_md:"+digest)
	cmd.Stdin = bytes.NewReader(wrapped)
	return cmd.Output()
}

func generate(t *testing.T, bits int) (public []byte, privateFile string) {
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	privateFile = filepath.Join(t.TempDir(), "private.der")
	if err := os.WriteFile(privateFile, pkcs8, 0o600); err != nil {
		t.Fatal(err)
	}
	return spki(t, &private.PublicKey), privateFile
}

func spki(t *testing.T, public any) []byte {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// OpenSSL unwraps the result of Wrap, up to the longest material that fits, and with no other
// hash.
func TestWrap(t *testing.T) {
	for _, bits := range []int{2048, 3072, 4096} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			public, private := generate(t, bits)
			for algorithm, digest := range digests {
				limit := bits/8 - 2*digest.size - 2
				for _, size := range []int{1, 32, limit} {
					material := bytes.Repeat([]byte{0xa5}, size)
					wrapped, err := byok.Wrap(public, algorithm, material)
					if err != nil || len(wrapped) != bits/8 {
						t.Fatalf("%s of %d bytes: %d bytes, %v", algorithm, size, len(wrapped), err)
					}
					for other, d := range digests {
						opened, err := opensslDecrypt(private, d.name, wrapped)
						if _, refused := errors.AsType[*exec.ExitError](err); err != nil && !refused {
							t.Fatal(err)
						}
						if got, want := err == nil && bytes.Equal(opened, material), other == algorithm; got != want {
							t.Errorf("%s of %d bytes opens as %s: %v, %v", algorithm, size, other, got, err)
						}
					}
				}
				_, err := byok.Wrap(public, algorithm, make([]byte, limit+1))
				if err == nil || !strings.HasSuffix(err.Error(), fmt.Sprintf("wraps at most %d", limit)) {
					t.Errorf("%s of %d bytes: %v", algorithm, limit+1, err)
				}
			}
		})
	}
}

func TestWrapIsRandomised(t *testing.T) {
	public := spki(t, modulus(2048, 65537))
	material := []byte("0123456789abcdef0123456789abcdef")
	first, err1 := byok.Wrap(public, byok.RSAESOAEPSHA256, material)
	second, err2 := byok.Wrap(public, byok.RSAESOAEPSHA256, material)
	if err1 != nil || err2 != nil || bytes.Equal(first, second) {
		t.Errorf("two wraps are equal: %v, %v", err1, err2)
	}
	if string(material) != "0123456789abcdef0123456789abcdef" {
		t.Error("Wrap changed the material")
	}
}

// modulus returns an RSA public key with a modulus of the given size, without a private key.
func modulus(bits uint, exponent int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(3), bits-2)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: exponent}
}

func TestWrapRefuses(t *testing.T) {
	good := spki(t, modulus(2048, 65537))
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	negative := spki(t, modulus(2048, 65537))
	negative[bytes.Index(negative, []byte{0x02, 0x82, 0x01, 0x01, 0x00})+4] = 0xff

	const encoding, bits, exponent = "is not DER SubjectPublicKeyInfo", "bits, not 2048, 3072 or 4096", "it must be odd and at least 65537"
	material := []byte("key material, which no error shows")
	for _, test := range []struct {
		name      string
		key       []byte
		algorithm byok.Algorithm
		material  []byte
		want      string
	}{
		{"nothing", nil, byok.RSAESOAEPSHA256, material, encoding},
		{"truncated", good[:len(good)-1], byok.RSAESOAEPSHA256, material, encoding},
		{"trailing byte", append(bytes.Clone(good), 0), byok.RSAESOAEPSHA256, material, encoding},
		{"two keys", append(bytes.Clone(good), good...), byok.RSAESOAEPSHA256, material, encoding},
		{"PKCS #1", x509.MarshalPKCS1PublicKey(modulus(2048, 65537)), byok.RSAESOAEPSHA256, material, encoding},
		{"PEM", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: good}), byok.RSAESOAEPSHA256, material, encoding},
		{"base64", []byte(base64.StdEncoding.EncodeToString(good)), byok.RSAESOAEPSHA256, material, encoding},
		{"negative modulus", negative, byok.RSAESOAEPSHA256, material, encoding},
		{"P-256", spki(t, &ec.PublicKey), byok.RSAESOAEPSHA256, material, "is not an RSA key"},
		{"Ed25519", spki(t, ed), byok.RSAESOAEPSHA256, material, "is not an RSA key"},
		{"1024 bits", spki(t, modulus(1024, 65537)), byok.RSAESOAEPSHA1, material, "has 1024 " + bits},
		{"2047 bits", spki(t, modulus(2047, 65537)), byok.RSAESOAEPSHA256, material, "has 2047 " + bits},
		{"2056 bits", spki(t, modulus(2056, 65537)), byok.RSAESOAEPSHA256, material, "has 2056 " + bits},
		{"8192 bits", spki(t, modulus(8192, 65537)), byok.RSAESOAEPSHA256, material, "has 8192 " + bits},
		{"exponent 1", spki(t, modulus(2048, 1)), byok.RSAESOAEPSHA256, material, exponent},
		{"exponent 3", spki(t, modulus(2048, 3)), byok.RSAESOAEPSHA256, material, exponent},
		{"exponent 65535", spki(t, modulus(2048, 65535)), byok.RSAESOAEPSHA256, material, exponent},
		{"even exponent", spki(t, modulus(2048, 65538)), byok.RSAESOAEPSHA256, material, exponent},
		{"another even exponent", spki(t, modulus(2048, 65540)), byok.RSAESOAEPSHA256, material, exponent},
		{"even modulus", spki(t, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(3), 2046), E: 65537}), byok.RSAESOAEPSHA256, material, "wrap the key material"},
		{"no algorithm", good, "", material, `unknown wrapping algorithm ""`},
		{"PKCS #1 v1.5", good, "RSAES_PKCS1_V1_5", material, `unknown wrapping algorithm "RSAES_PKCS1_V1_5"`},
		{"lower case", good, "rsaes_oaep_sha_256", material, "unknown wrapping algorithm"},
		{"no material", good, byok.RSAESOAEPSHA256, nil, "no key material"},
	} {
		wrapped, err := byok.Wrap(test.key, test.algorithm, test.material)
		if wrapped != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %d bytes, %v", test.name, len(wrapped), err)
		}
		if err != nil && strings.Contains(err.Error(), string(material)) {
			t.Errorf("%s: the error shows the material: %v", test.name, err)
		}
	}
}
