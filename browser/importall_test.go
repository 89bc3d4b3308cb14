package browser

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/byok"
)

// A wrapping is a way to import key material of a spec.
type wrapping struct{ spec, usage, algorithm, wrappingSpec string }

// wrappings returns each wrapping algorithm with each wrapping key, for each kind of key material that a page imports.
func wrappings() (all []wrapping) {
	oaep := []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}
	both := append([]string{"RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"}, oaep...)
	for _, one := range []struct {
		spec, usage string
		algorithms  []string
	}{
		{"SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", oaep},
		{"HMAC_224", "GENERATE_VERIFY_MAC", oaep}, {"HMAC_256", "GENERATE_VERIFY_MAC", oaep},
		{"HMAC_384", "GENERATE_VERIFY_MAC", oaep}, {"HMAC_512", "GENERATE_VERIFY_MAC", oaep},
		{"RSA_2048", "ENCRYPT_DECRYPT", both[:2]}, {"RSA_3072", "SIGN_VERIFY", both[:2]}, {"RSA_4096", "ENCRYPT_DECRYPT", both[:2]},
		{"ECC_NIST_P256", "SIGN_VERIFY", both}, {"ECC_NIST_P384", "KEY_AGREEMENT", both}, {"ECC_NIST_P521", "SIGN_VERIFY", both},
	} {
		for _, algorithm := range one.algorithms {
			for _, wrappingSpec := range []string{"RSA_2048", "RSA_3072", "RSA_4096"} {
				if one.spec == "ECC_NIST_P521" && wrappingSpec == "RSA_2048" && strings.HasPrefix(algorithm, "RSAES") {
					continue // there is no room
				}
				all = append(all, wrapping{one.spec, one.usage, algorithm, wrappingSpec})
			}
		}
	}
	return all
}

// needsWhole leaves out a test of the whole form.
func needsWhole(t *testing.T) {
	t.Helper()
	if !whole {
		t.Skip("make console runs this test")
	}
}

// TestImportAll imports through the page with each wrapping; OpenSSL finds the same key material on the server. The
// source of the key material changes from one import to the next.
func TestImportAll(t *testing.T) {
	needsWhole(t)
	t.Parallel()
	r := record(t, startDev(t))
	c := client(r.endpoint)
	p := signedIn(t, r.endpoint)
	folder := p.saveTo()
	all := wrappings()
	if len(all) != 82 {
		t.Fatalf("%d wrappings, not 82", len(all))
	}
	for i, w := range all {
		k := createKey(t, c, w.spec, w.usage)
		p.toStep3(*k.KeyId, w.algorithm, w.wrappingSpec)
		original := p.give(folder, *k.KeyId, w.spec, i)
		p.finish()
		checkExpiry(t, describe(t, c, *k.KeyId))
		checkUse(t, c, k, original)
		secret := original
		if !isBytes(w.spec) {
			secret = privateNumber(t, original)
		}
		checkSecret(t, p, r, secret)
		if t.Failed() {
			t.Fatalf("import %d, %v", i, w)
		}
	}
}

func isBytes(spec string) bool {
	return strings.HasPrefix(spec, "SYM") || strings.HasPrefix(spec, "HMAC")
}

// give gives key material to the page in one of the ways that it offers, and returns the key material: bytes, or PEM.
func (p *page) give(folder, id, spec string, i int) []byte {
	p.Helper()
	if isBytes(spec) {
		return p.giveBytes(folder, id, spec, i)
	}
	path := filepath.Join(p.TempDir(), "key.pem")
	switch i % 5 {
	case 0:
		path = p.generate(folder, id+".pem")
	case 1:
		p.tick("File")
		p.chooseFile("File of key material", makeKey(p.T, path, spec))
	case 2:
		p.tick("File")
		makeKey(p.T, path, spec)
		in := path
		if strings.HasPrefix(spec, "ECC") { // without the public point
			in = path + ".bare"
			openssl(p.T, "ec", "-no_public", "-in", path, "-out", in)
		}
		openssl(p.T, "pkcs8", "-topk8", "-nocrypt", "-in", in, "-outform", "DER", "-out", path+".der")
		p.chooseFile("File of key material", path+".der")
	case 3:
		p.tick("Paste")
		text, err := os.ReadFile(makeKey(p.T, path, spec))
		if err != nil {
			p.Fatal(err)
		}
		p.paste(string(text))
	case 4:
		p.tick("Paste")
		p.paste(jwkOf(p.T, makeKey(p.T, path, spec)))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	return text
}

func (p *page) giveBytes(folder, id, spec string, i int) []byte {
	p.Helper()
	least, most, err := byok.MaterialSizes(spec)
	if err != nil {
		p.Fatal(err)
	}
	material := make([]byte, []int{least, most}[i%2])
	rand.Read(material)
	switch i % 5 {
	case 0:
		return readHex(p.T, p.generate(folder, id+".hex"))
	case 1:
		path := filepath.Join(p.TempDir(), "raw")
		if err := os.WriteFile(path, material, 0o600); err != nil {
			p.Fatal(err)
		}
		p.tick("File")
		p.chooseFile("File of key material", path)
	case 2:
		p.tick("Paste")
		p.paste(hex.EncodeToString(material))
	case 3:
		p.tick("Paste")
		p.paste(base64.StdEncoding.EncodeToString(material) + "\n")
	case 4:
		p.tick("Paste")
		p.paste(fmt.Sprintf(`{"kty":"oct","k":%q}`, base64.RawURLEncoding.EncodeToString(material)))
	}
	return material
}

func (p *page) paste(text string) {
	p.Helper()
	p.fill("Text of the key material", text)
	p.press("Read the text")
	p.until("the field is empty", control("Text of the key material")+`.value === ""`)
}
