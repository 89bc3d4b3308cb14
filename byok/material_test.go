package byok_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/byok"
)

func TestMaterialSize(t *testing.T) {
	for spec, want := range map[string]int{
		"SYMMETRIC_DEFAULT": 32, "HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64,
		"RSA_2048": 0, "ECC_NIST_P256": 0, "ML_KEM_768": 0, "": 0, "symmetric_default": 0,
	} {
		if got, err := byok.MaterialSize(spec); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", spec, got, err)
		}
	}
}

// Material is read as OpenSSL and others write it. The bytes hold both characters
// in which the alphabets of base64 differ.
func TestDecodeMaterial(t *testing.T) {
	material := append([]byte{0xfb, 0xff, 0xbe}, counting(29)...)
	openssl := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "openssl", args...)
		cmd.Stdin = bytes.NewReader(material)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	text := openssl("base64")
	digits := hex.EncodeToString(material)
	for _, test := range []struct {
		name    string
		content []byte
		want    byok.Encoding
	}{
		{"as it is", material, byok.Raw},
		{"lower case", []byte(digits), byok.Hex},
		{"upper case", []byte(strings.ToUpper(digits)), byok.Hex},
		{"a line", []byte(digits + "\n"), byok.Hex},
		{"a line of Windows", []byte(digits + "\r\n"), byok.Hex},
		{"white space around", []byte("\n\t " + digits + " \n\n"), byok.Hex},
		{"openssl base64", text, byok.Base64},
		{"openssl base64 without its newline", bytes.TrimSpace(text), byok.Base64},
		{"URL alphabet", []byte(base64.URLEncoding.EncodeToString(material)), byok.Base64},
		{"no padding", []byte(base64.RawStdEncoding.EncodeToString(material)), byok.Base64},
		{"URL alphabet, no padding", []byte(base64.RawURLEncoding.EncodeToString(material)), byok.Base64},
	} {
		got, encoding, err := byok.DecodeMaterial(test.content, len(material))
		if !bytes.Equal(got, material) || encoding != test.want || err != nil {
			t.Errorf("%s: %x, %s, %v", test.name, got, encoding, err)
		}
	}
}

// The size decides: the same 64 characters are one key in hexadecimal, and another
// as they are.
func TestDecodeMaterialGoesBySize(t *testing.T) {
	content := []byte(hex.EncodeToString(counting(32)))
	if got, encoding, err := byok.DecodeMaterial(content, 32); !bytes.Equal(got, counting(32)) || encoding != byok.Hex || err != nil {
		t.Errorf("%x, %s, %v", got, encoding, err)
	}
	if got, encoding, err := byok.DecodeMaterial(content, 64); !bytes.Equal(got, content) || encoding != byok.Raw || err != nil {
		t.Errorf("%x, %s, %v", got, encoding, err)
	}
}

func TestDecodeMaterialIsACopy(t *testing.T) {
	content := counting(32)
	got, _, err := byok.DecodeMaterial(content, 32)
	if clear(content); err != nil || !bytes.Equal(got, counting(32)) {
		t.Errorf("%x, %v", got, err)
	}
}

func TestDecodeMaterialRefuses(t *testing.T) {
	digits, text := hex.EncodeToString(counting(32)), base64.StdEncoding.EncodeToString(counting(32))
	const hexLength, base64Length, newline = "as long as hexadecimal", "as long as base64", "the last byte is a newline"
	for _, test := range []struct{ name, content, want string }{
		{"nothing", "", "0 bytes are no key material of 32 bytes: it is written"},
		{"white space", "   \n", "4 bytes are no key material"},
		{"a byte short", string(counting(31)), "31 bytes are no key material of 32 bytes: "},
		{"a byte long", string(counting(33)), "33 bytes are no key material of 32 bytes: "},
		{"a newline after it", string(counting(32)) + "\n", newline},
		{"128 bits of hexadecimal and a newline", digits[:32] + "\n", newline},
		{"a wrong digit", "g" + digits[1:], hexLength},
		{"a digit short", digits[1:], "63 bytes are no key material"},
		{"0x before it", "0x" + digits, "66 bytes are no key material"},
		{"colons", strings.Repeat("ab:", 31) + "ab", "95 bytes are no key material"},
		{"a wrong character of base64", "!" + text[1:], base64Length},
		{"a line break in base64", text[:20] + "\n" + text[21:], base64Length},
		{"bits left over in base64", text[:42] + "9=", base64Length},
		{"another padding", strings.TrimSuffix(text, "=") + "A", base64Length},
		{"PEM", "-----BEGIN PRIVATE KEY-----\n" + text + "\n-----END PRIVATE KEY-----\n", "are no key material"},
	} {
		material, encoding, err := byok.DecodeMaterial([]byte(test.content), 32)
		if material != nil || encoding != "" || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %d bytes, %q, %v", test.name, len(material), encoding, err)
		}
		if s := strings.TrimSpace(test.content); err != nil && len(s) > 8 && strings.Contains(err.Error(), s[:8]) {
			t.Errorf("%s: the error shows the content: %v", test.name, err)
		}
	}
}
