package crypt

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// countingBytes returns the bytes 00, 01, … as key material.
func countingBytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

const (
	testKeyID      = "1234abcd-12ab-34cd-56ef-1234567890ab"
	testMaterialID = "c726ada0238eaf0809d816a5819d139867c5e28e3945a433f8f63773e0e6c65b" // of counting(32)
)

func testHeader() BlobHeader {
	return BlobHeader{Account: "111122223333", KeyID: testKeyID, MaterialID: testMaterialID}
}

func encrypt(h BlobHeader, material, plaintext []byte, context map[string]string) ([]byte, error) {
	m, err := NewMessage(h, context)
	if err != nil {
		return nil, err
	}
	k, err := NewSymmetricKey(material)
	if err != nil {
		return nil, err
	}
	return m.Encrypt(k, plaintext)
}

func decrypt(material, blob []byte, context map[string]string) ([]byte, error) {
	m, err := ParseMessage(blob, context)
	if err != nil {
		return nil, err
	}
	k, err := NewSymmetricKey(material)
	if err != nil {
		return nil, err
	}
	return m.Decrypt(k)
}

func mustEncrypt(t *testing.T, plaintext []byte, context map[string]string) []byte {
	t.Helper()
	blob, err := encrypt(testHeader(), countingBytes(32), plaintext, context)
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

// wantRefused checks that a blob does not open, and that the error gives no reason.
func wantRefused(t *testing.T, what string, material, blob []byte, context map[string]string) {
	t.Helper()
	if plaintext, err := decrypt(material, blob, context); plaintext != nil || err != ErrCiphertext {
		t.Errorf("%s: %q, %v", what, plaintext, err)
	}
}

// openByHand decrypts a blob of version 1 with the numbers in docs/ciphertext-format.md, without using this
// package.
func openByHand(material, blob []byte, context map[string]string) ([]byte, error) {
	derived, err := hkdf.Key(sha256.New, material, nil, "keyhold ciphertext v1"+string(blob[0:113]), 64)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(derived[32:64], blob[113:145]) {
		return nil, errors.New("wrong commitment")
	}
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	ad := append([]byte{}, blob[:145]...)
	ad = append(ad, 0, 0, 0, byte(len(context)))
	for _, k := range slices.Sorted(maps.Keys(context)) {
		ad = append(binary.BigEndian.AppendUint32(ad, uint32(len(k))), k...)
		ad = append(binary.BigEndian.AppendUint32(ad, uint32(len(context[k]))), context[k]...)
	}
	return gcm.Open(nil, blob[145:157], blob[157:], ad)
}

func TestEncryptIsTheFormat(t *testing.T) {
	for _, context := range []map[string]string{nil, {}, {"purpose": "test"}, {"z": "", "é": "1", "": "2", "Z": "3", "z2": "4", "\uffff": "5", "𝄞": "6"}} {
		for _, size := range []int{0, 1, 15, 16, 17, 4096} {
			plaintext := bytes.Repeat([]byte("x"), size)
			blob := mustEncrypt(t, plaintext, context)
			if got, err := openByHand(countingBytes(32), blob, context); err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("%d bytes with %q by hand: %q, %v", size, context, got, err)
			}
			if got, err := decrypt(countingBytes(32), blob, context); err != nil || !bytes.Equal(got, plaintext) {
				t.Errorf("%d bytes with %q: %q, %v", size, context, got, err)
			}
			if len(blob) != 173+size || len(blob) > 6144 {
				t.Errorf("the blob of %d bytes has %d", size, len(blob))
			}
		}
	}
}

func TestParseBlob(t *testing.T) {
	blob := mustEncrypt(t, nil, nil)
	if string(blob[1:13]) != "111122223333" || string(blob[13:49]) != testKeyID || hex.EncodeToString(blob[49:81]) != testMaterialID {
		t.Errorf("the header is %q", blob[:81])
	}
	if h, err := ParseBlob(blob); err != nil || h != testHeader() {
		t.Errorf("%+v, %v", h, err)
	}
	other := bytes.Clone(blob)
	for _, version := range []byte{0, 2, 0xff} {
		other[0] = version
		if h, err := ParseBlob(other); h != (BlobHeader{}) || err != ErrCiphertext {
			t.Errorf("version %d: %+v, %v", version, h, err)
		}
	}
}

// ParseBlob returns the header that was given to Encrypt. Encrypt rejects headers whose fields have other
// lengths, because they would be parsed as another header.
func TestEncryptRefusesMalformedHeaders(t *testing.T) {
	for _, h := range []BlobHeader{
		{},
		{Account: "111122223333", KeyID: testKeyID},
		{Account: "111122223333", KeyID: testKeyID, MaterialID: testMaterialID[2:]},
		{Account: "111122223333", KeyID: testKeyID, MaterialID: testMaterialID[1:] + "g"},
		{Account: "111122223333", KeyID: testKeyID[1:], MaterialID: testMaterialID},
		{Account: "1111222233334", KeyID: testKeyID, MaterialID: testMaterialID},
		{Account: "11112222333", KeyID: "3" + testKeyID, MaterialID: testMaterialID},
		{Account: "111122223333" + testKeyID[:1], KeyID: testKeyID[1:], MaterialID: testMaterialID},
		{Account: "111122223333", KeyID: testKeyID + "0", MaterialID: testMaterialID[2:]},
	} {
		if blob, err := encrypt(h, countingBytes(32), nil, nil); blob != nil || err == nil {
			t.Errorf("%+v is accepted", h)
		}
	}
}

// golden returns the lines of testdata/golden.txt by name.
func golden(t *testing.T) map[string]string {
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		lines[name] = value
	}
	return lines
}

// The blobs of version 1 made by testdata/golden.py must always open. A change that makes this test fail makes
// stored ciphertexts unreadable.
func TestGoldenBlobs(t *testing.T) {
	lines := golden(t)
	for _, test := range []struct {
		name, plaintext string
		context         map[string]string
	}{
		{"empty", "", nil},
		{"plain", "attack at dawn", nil},
		{"one pair", "attack at dawn", map[string]string{"purpose": "test"}},
		{"pairs by bytes", "Grüße, 鍵", map[string]string{"": "", "Z": "3", "z": "2", "é": "1", "\uffff": "5", "𝄞": "4"}},
		{"long", strings.Repeat(string(countingBytes(256)), 16), map[string]string{"length": "4096"}},
	} {
		blob, err := base64.StdEncoding.DecodeString(lines[test.name])
		if err != nil || lines[test.name] == "" {
			t.Fatal(test.name, err)
		}
		if h, err := ParseBlob(blob); err != nil || h != testHeader() {
			t.Errorf("%s: %+v, %v", test.name, h, err)
		}
		if got, err := decrypt(countingBytes(32), blob, test.context); err != nil || string(got) != test.plaintext {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

func TestDamagedBlobs(t *testing.T) {
	context := map[string]string{"purpose": "test"}
	blob := mustEncrypt(t, []byte("attack at dawn"), context)
	for bit := range 8 * len(blob) {
		damaged := bytes.Clone(blob)
		damaged[bit/8] ^= 1 << (bit % 8)
		wantRefused(t, "a flipped bit", countingBytes(32), damaged, context)
	}
	for n := range blob {
		wantRefused(t, "truncated", countingBytes(32), blob[:n], context)
		wantRefused(t, "without its beginning", countingBytes(32), blob[n+1:], context)
	}
	wantRefused(t, "nil", countingBytes(32), nil, context)
	wantRefused(t, "with a byte more", countingBytes(32), append(bytes.Clone(blob), 0), context)
	wantRefused(t, "twice", countingBytes(32), append(bytes.Clone(blob), blob...), context)
	if _, err := decrypt(countingBytes(32), blob, context); err != nil {
		t.Errorf("undamaged: %v", err)
	}
}

func TestWrongMaterial(t *testing.T) {
	blob := mustEncrypt(t, []byte("attack at dawn"), nil)
	flipped := countingBytes(32)
	flipped[31] ^= 1
	for name, material := range map[string][]byte{
		"a flipped bit": flipped, "none": nil, "zeros": make([]byte, 32), "short": countingBytes(31), "long": countingBytes(33), "random": NewSymmetricMaterial(),
	} {
		wantRefused(t, name, material, blob, nil)
	}
}

func TestWrongContext(t *testing.T) {
	type pairs = map[string]string
	right := pairs{"ab": "c", "purpose": "test"}
	blob := mustEncrypt(t, []byte("attack at dawn"), right)
	for name, wrong := range map[string]pairs{
		"none":               nil,
		"a pair missing":     {"ab": "c"},
		"the other missing":  {"purpose": "test"},
		"a pair more":        {"ab": "c", "purpose": "test", "more": "x"},
		"an empty pair more": {"ab": "c", "purpose": "test", "": ""},
		"case of a key":      {"Ab": "c", "purpose": "test"},
		"case of a value":    {"ab": "C", "purpose": "test"},
		"swapped in a pair":  {"c": "ab", "purpose": "test"},
		"swapped values":     {"ab": "test", "purpose": "c"},
		"a shifted boundary": {"a": "bc", "purpose": "test"},
		"one shifted more":   {"": "abc", "purpose": "test"},
		"over two pairs":     {"ab": "cpurpose", "": "test"},
		"a space":            {"ab": "c ", "purpose": "test"},
		"a zero byte":        {"ab": "c\x00", "purpose": "test"},
	} {
		wantRefused(t, name, countingBytes(32), blob, wrong)
	}
	// Neither a missing nor an empty context is equal to a context with an empty pair.
	for _, none := range []pairs{nil, {}} {
		blob := mustEncrypt(t, []byte("x"), none)
		for _, same := range []pairs{nil, {}} {
			if got, err := decrypt(countingBytes(32), blob, same); string(got) != "x" || err != nil {
				t.Errorf("%v and %v: %v", none, same, err)
			}
		}
		wantRefused(t, "an empty pair", countingBytes(32), blob, pairs{"": ""})
	}
	// Text is compared by its bytes: é as one character differs from e with a combining accent.
	wantRefused(t, "another normal form", countingBytes(32), mustEncrypt(t, nil, pairs{"\u00e9": ""}), pairs{"e\u0301": ""})
}

// Two blobs of the same plaintext have only their headers in common.
func TestEncryptIsRandomised(t *testing.T) {
	plaintext := bytes.Repeat([]byte("x"), 64)
	a, b := mustEncrypt(t, plaintext, nil), mustEncrypt(t, plaintext, nil)
	if !bytes.Equal(a[:81], b[:81]) {
		t.Error("the headers differ")
	}
	for name, part := range map[string][2]int{"salt": {81, 113}, "commitment": {113, 145}, "nonce": {145, 157}, "ciphertext": {157, 221}, "tag": {221, 237}} {
		if bytes.Equal(a[part[0]:part[1]], b[part[0]:part[1]]) {
			t.Errorf("two blobs have the same %s", name)
		}
	}
}

func TestEncryptLeavesItsArguments(t *testing.T) {
	material, plaintext, context := countingBytes(32), []byte("attack at dawn"), map[string]string{"a": "b"}
	blob, err := encrypt(testHeader(), material, plaintext, context)
	if err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(blob)
	if _, err := decrypt(material, blob, context); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(material, countingBytes(32)) || string(plaintext) != "attack at dawn" || len(context) != 1 || !bytes.Equal(blob, before) {
		t.Error("an argument was changed")
	}
}
