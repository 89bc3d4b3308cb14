package byok_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/crypt"
)

// golden returns a blob that a Python program made according to docs/ciphertext-format.md.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../internal/crypt/testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			blob, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			return blob
		}
	}
	t.Fatalf("there is no golden blob %q", name)
	return nil
}

func TestDecryptGolden(t *testing.T) {
	for _, test := range []struct {
		name, plaintext string
		context         map[string]string
	}{
		{"empty", "", nil},
		{"empty", "", map[string]string{}},
		{"plain", "attack at dawn", nil},
		{"one pair", "attack at dawn", map[string]string{"purpose": "test"}},
		{"pairs by bytes", "Grüße, 鍵", map[string]string{"": "", "Z": "3", "z": "2", "é": "1", "\uffff": "5", "𝄞": "4"}},
		{"long", strings.Repeat(string(countingBytes(256)), 16), map[string]string{"length": "4096"}},
	} {
		material := countingBytes(32)
		got, err := byok.Decrypt(material, golden(t, test.name), test.context)
		if string(got) != test.plaintext || err != nil {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
		if !bytes.Equal(material, countingBytes(32)) {
			t.Errorf("%s: Decrypt changed the material", test.name)
		}
	}
	h, err := byok.ParseCiphertext(golden(t, "plain"))
	if want := (byok.Header{Account: "111122223333", KeyID: keyID, KeyMaterialID: "c726ada0238eaf0809d816a5819d139867c5e28e3945a433f8f63773e0e6c65b"}); h != want || err != nil {
		t.Errorf("%+v, %v", h, err)
	}
}

// Every flipped bit of a blob and every missing byte is detected.
func TestDecryptRefusesDamage(t *testing.T) {
	blob := golden(t, "one pair")
	open := func(blob []byte) bool {
		plaintext, err := byok.Decrypt(countingBytes(32), blob, map[string]string{"purpose": "test"})
		if err == nil {
			return true
		}
		if plaintext != nil || strings.Contains(err.Error(), "dawn") {
			t.Errorf("%q, %v", plaintext, err)
		}
		return false
	}
	if !open(blob) {
		t.Fatal("the blob itself does not open")
	}
	for i := range len(blob) * 8 {
		damaged := bytes.Clone(blob)
		damaged[i/8] ^= 1 << (i % 8)
		if open(damaged) {
			t.Errorf("it opens with bit %d of byte %d changed", i%8, i/8)
		}
	}
	for n := range len(blob) {
		if open(blob[:n]) || open(blob[n+1:]) {
			t.Errorf("it opens without the end or the beginning, at %d", n)
		}
	}
	if open(append(bytes.Clone(blob), 0)) {
		t.Error("it opens with a byte more")
	}
}

func TestDecryptSaysWhy(t *testing.T) {
	const otherContext = "another encryption context, or is damaged"
	one, plain, test := golden(t, "one pair"), golden(t, "plain"), map[string]string{"purpose": "test"}
	salted := bytes.Clone(one)
	salted[81] ^= 1
	for _, c := range []struct {
		name     string
		material []byte
		blob     []byte
		context  map[string]string
		want     string
	}{
		{"other material", make([]byte, 32), one, test, "was made with other material: its ID is c726ada0238eaf08"},
		{"material cut off", countingBytes(31), one, test, "was made with other material"},
		{"no context", countingBytes(32), one, nil, otherContext},
		{"another value", countingBytes(32), one, map[string]string{"purpose": "Test"}, otherContext},
		{"a pair more", countingBytes(32), one, map[string]string{"purpose": "test", "": ""}, otherContext},
		{"a context for none", countingBytes(32), plain, test, otherContext},
		{"a changed salt", countingBytes(32), salted, test, "the ciphertext is damaged"},
		{"nothing", countingBytes(32), nil, nil, "0 bytes are not a complete ciphertext of Keyhold"},
		{"cut off", countingBytes(32), one[:172], test, "172 bytes are not a complete ciphertext of Keyhold"},
		{"a ciphertext of AWS", countingBytes(32), append([]byte{1, 2, 2, 0, 0x78}, make([]byte, 180)...), nil, "are not a complete ciphertext of Keyhold"},
	} {
		plaintext, err := byok.Decrypt(c.material, c.blob, c.context)
		if plaintext != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v", c.name, plaintext, err)
		}
	}
}

// The owner's function and the server's function are independent.
func TestDecryptOpensTheServers(t *testing.T) {
	for _, size := range []int{0, 1, 4096} {
		context := map[string]string{"b": "2", "a": "1"}
		id, err := crypt.MaterialID(keyID, countingBytes(32))
		if err != nil {
			t.Fatal(err)
		}
		key, err := crypt.NewSymmetricKey(countingBytes(32))
		if err != nil {
			t.Fatal(err)
		}
		message, err := crypt.NewMessage(crypt.BlobHeader{Account: "111122223333", KeyID: keyID, MaterialID: id}, context)
		if err != nil {
			t.Fatal(err)
		}
		blob, err := message.Encrypt(key, countingBytes(size))
		if err != nil {
			t.Fatal(err)
		}
		got, err := byok.Decrypt(countingBytes(32), blob, context)
		if !bytes.Equal(got, countingBytes(size)) || err != nil {
			t.Errorf("%d bytes: %d bytes, %v", size, len(got), err)
		}
	}
}
