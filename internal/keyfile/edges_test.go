package keyfile

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"hash"
	"math/big"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
)

// encryptBlocks encrypts whole blocks as ofPBKDF2 does, without padding.
func encryptBlocks(t *testing.T, blocks []byte) []byte {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, "secret12", []byte("salt"), 1, 16)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	encrypted := bytes.Clone(blocks)
	cipher.NewCBCEncrypter(block, make([]byte, 16)).CryptBlocks(encrypted, encrypted)
	return encrypted
}

// Padding has 1 to 16 bytes (RFC 8018, section 6.1.1). The encrypted structure is recognised as a DSA key.
func TestPadding(t *testing.T) {
	dsaKey := func(size int) []byte { // six integers
		return append([]byte{0x30, byte(size - 2), 2, byte(size - 19)}, append(bytes.Repeat([]byte{1}, size-19), bytes.Repeat([]byte{2, 1, 0}, 5)...)...)
	}
	for name, c := range map[string]struct {
		plain []byte
		ok    bool
	}{
		"1 byte":    {append(dsaKey(31), 1), true},
		"2 bytes":   {append(dsaKey(30), 0, 2), true},
		"16 bytes":  {append(dsaKey(32), append(make([]byte, 15), 16)...), true},
		"17 bytes":  {append(dsaKey(31), append(make([]byte, 16), 17)...), false},
		"0 bytes":   {dsaKey(32), false},
		"too few":   {append(dsaKey(30), 0, 1), false},
		"too many":  {append(dsaKey(31), 3), false},
		"all of it": {append(make([]byte, 15), 16), false},
		"more":      {append(make([]byte, 15), 17), false},
	} {
		p := ofPBKDF2
		p.content = encryptBlocks(t, c.plain)
		_, err := Read(p.seal(t, nil), secret12)
		if opened := err != nil && strings.Contains(err.Error(), "DSA"); opened != c.ok || !opened && err != ErrPassphrase {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A wallet with a damaged member is refused, and so is a scalar that is not on the curve.
func TestDamagedWallets(t *testing.T) {
	change := func(scalar []byte, edit func(crypto map[string]any)) error {
		w := walletOf(t, scalar).(map[string]any)
		edit(w["crypto"].(map[string]any))
		text, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Read(text, secret12)
		return err
	}
	scalar := countingBytes(33)[1:]
	set := func(name, value string) func(map[string]any) { return func(m map[string]any) { m[name] = value } }
	iv := func(value string) func(map[string]any) {
		return func(m map[string]any) { m["cipherparams"] = map[string]string{"iv": value} }
	}
	order, _ := hex.DecodeString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	for name, c := range map[string]struct {
		scalar []byte
		edit   func(map[string]any)
		want   string
	}{
		"sound":                    {scalar, func(map[string]any) {}, ""},
		"an IV that is not digits": {scalar, iv(strings.Repeat("zz", 16)), "it is JSON that is damaged"},
		"an IV of 15 bytes":        {scalar, iv(strings.Repeat("00", 15)), "it is JSON that is damaged"},
		"an IV of 17 bytes":        {scalar, iv(strings.Repeat("00", 17)), "it is JSON that is damaged"},
		"ciphertext, not digits":   {scalar, set("ciphertext", strings.Repeat("zz", 32)), "it is JSON that is damaged"},
		"31 bytes of ciphertext":   {scalar, set("ciphertext", strings.Repeat("00", 31)), "it is JSON that is damaged"},
		"33 bytes of ciphertext":   {scalar, set("ciphertext", strings.Repeat("00", 33)), "it is JSON that is damaged"},
		"a MAC that is not digits": {scalar, set("mac", strings.Repeat("zz", 32)), "it is JSON that is damaged"},
		"another MAC":              {scalar, set("mac", strings.Repeat("00", 32)), ErrPassphrase.Error()},
		"no MAC":                   {scalar, set("mac", ""), ErrPassphrase.Error()},
		"another cipher":           {scalar, set("cipher", "aes-256-ctr"), "with an encryption that is not read here"},
		"another derivation":       {scalar, set("kdf", "argon2"), "with an encryption that is not read here"},
		"a scalar of zero":         {make([]byte, 32), func(map[string]any) {}, "has a scalar that is zero or not below the order"},
		"the order":                {order, func(map[string]any) {}, "has a scalar that is zero or not below the order"},
		"below the order":          {new(big.Int).Sub(new(big.Int).SetBytes(order), one).Bytes(), func(map[string]any) {}, ""},
	} {
		if err := change(c.scalar, c.edit); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// Text decodes UTF-16 of ASCII characters in both byte orders, with or without a byte order mark.
func TestUTF16(t *testing.T) {
	encode := func(text, mark string, bigEndian bool) (b []byte) {
		b = []byte(mark)
		for _, unit := range utf16.Encode([]rune(text)) {
			if bigEndian {
				b = append(b, byte(unit>>8), byte(unit))
			} else {
				b = append(b, byte(unit), byte(unit>>8))
			}
		}
		return b
	}
	for name, c := range map[string]struct {
		content []byte
		want    string // "" for unchanged
	}{
		"little-endian":                {encode("key\n", "", false), "key\n"},
		"little-endian with its mark":  {encode("key\n", "\xff\xfe", false), "key\n"},
		"big-endian":                   {encode("key\n", "", true), "key\n"},
		"big-endian with its mark":     {encode("key\n", "\xfe\xff", true), "key\n"},
		"two characters":               {encode("ab", "", false), "ab"},
		"a mark and a character":       {encode("a", "\xff\xfe", false), "a"},
		"one character":                {encode("a", "", false), ""},
		"an odd number of bytes":       {append(encode("key", "", false), 'x'), ""},
		"a character above ASCII":      {encode("kéy", "\xff\xfe", false), ""},
		"a character above Latin-1":    {encode("k鍵y", "\xff\xfe", false), ""},
		"a control character":          {encode("k\x01y", "\xff\xfe", false), ""},
		"the other mark":               {encode("key", "\xfe\xff", false), ""},
		"a mark alone":                 {[]byte("\xff\xfe"), ""},
		"UTF-8 with a byte order mark": {[]byte("\xef\xbb\xbfkey"), "key"},
		"UTF-8":                        {[]byte("key"), ""},
		"nothing":                      {nil, ""},
	} {
		want := c.want
		if want == "" {
			want = string(c.content)
		}
		if got := string(Text(c.content)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Text is printable UTF-8 of at least one character.
func TestIsText(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "a": true, " ": true, "~": true, "\t\r\n": true, "é鍵": true,
		"\x1f": false, "a\x00": false, "\x7f": false, "\x80": false, "\v": false, "\u0080": true,
	} {
		if isText([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// PEM is text with any encoding of the text around it, but not with a byte of zero.
func TestPlain(t *testing.T) {
	const begin = "-----BEGIN X-----"
	for content, want := range map[string]bool{
		begin: true, "\xe9" + begin: true, "\x01" + begin: true, "\x00" + begin: false, "\xe9\x00" + begin: false, begin + "\x00": false,
		"\xef\xbb\xbf" + begin: true, "\xe9": false,
	} {
		if text, form := new(reader).plain([]byte(content)); (text != nil) != want || form != "" || want && string(text) != strings.TrimPrefix(content, "\xef\xbb\xbf") {
			t.Errorf("%q: %q, %q", content, text, form)
		}
	}
}

// canonical fills a buffer that is erased later, and does not grow out of it.
func TestCanonicalKeepsItsBuffer(t *testing.T) {
	for _, body := range []string{"", "\n", "a", "a b c d e f g h", "\na\nb\nc\n", `\na\nb\nc`, "Proc-Type: 4\n\na\nb\nc", "Proc-Type: 4\ra\rb\rc"} {
		r := new(reader)
		block, ok := r.canonical([]byte("-----BEGIN X-----"+body+"-----END X-----"), "X")
		if !ok || len(r.buffers) != 1 || &block[0] != &r.buffers[0][:1][0] {
			t.Errorf("%q: %q, %v", body, block, ok)
		}
	}
}

// canonical puts each word of base64 on a line, and each header on a line without the white space around it.
func TestCanonical(t *testing.T) {
	for body, want := range map[string]string{
		"\nAAAA\nBBBB\n":    "AAAA\nBBBB\n",
		"\nAAAA\nB":         "AAAA\nB\n",
		" AAAA BBBB ":       "AAAA\nBBBB\n",
		"\r\n\tAAAA\r\n BB": "AAAA\nBB\n",
		`\nAAAA\nBBBB\n`:    "AAAA\nBBBB\n",
		"\n  Proc-Type: 4,ENCRYPTED \n\tDEK-Info: X,00\n\n  AAAA\n": "Proc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nAAAA\n",
	} {
		got, ok := new(reader).canonical([]byte("text -----BEGIN X-----"+body+"-----END X----- text"), "X")
		if want = "-----BEGIN X-----\n" + want + "-----END X-----\n"; string(got) != want || !ok {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
	if _, ok := new(reader).canonical([]byte("-----BEGIN X-----\nAAAA\n"), "X"); ok {
		t.Error("without its end")
	}
}

// A line ends with a newline, a carriage return or both, or with their escapes.
func TestCutLine(t *testing.T) {
	for text, want := range map[string][2]string{
		"":        {"", ""},
		"a":       {"a", ""},
		"a\nb\nc": {"a", "b\nc"},
		"a\rb":    {"a", "b"},
		"a\r\nb":  {"a", "b"},
		`a\nb`:    {"a", "b"},
		`a\rb`:    {"a", "b"},
		`a\r\nb`:  {"a", "b"},
		`a\tb\nc`: {`a\`, `tb\nc`},
		`a\`:      {`a\`, ""},
		"\n":      {"", ""},
	} {
		line, rest := cutLine([]byte(text))
		if string(line) != want[0] || string(rest) != want[1] {
			t.Errorf("%q: %q, %q", text, line, rest)
		}
	}
}

// The parameters of PBKDF2 (RFC 8018, appendix A.2) may have the length of the key, and a pseudorandom function other
// than HMAC with SHA-1.
func TestParametersOfPBKDF2(t *testing.T) {
	type prf struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue `asn1:"optional"`
	}
	salt, sha2 := []byte("salt"), prf{OID: oidHMAC}
	for name, c := range map[string]struct {
		params any
		hash   func() hash.Hash // nil: refused
	}{
		"default": {struct {
			Salt []byte
			C    int
		}{salt, 3}, sha1.New},
		"a length": {struct {
			Salt []byte
			C, L int
		}{salt, 3, 16}, sha1.New},
		"a function": {struct {
			Salt []byte
			C    int
			F    prf
		}{salt, 3, sha2}, sha256.New},
		"both": {struct {
			Salt []byte
			C, L int
			F    prf
		}{salt, 3, 16, sha2}, sha256.New},
		"no salt": {struct{ C int }{3}, nil},
		"no iterations": {struct {
			Salt []byte
			F    prf
		}{salt, sha2}, nil},
		"no function inside": {struct {
			Salt []byte
			C    int
			F    struct{ N int }
		}{salt, 3, struct{ N int }{1}}, nil},
	} {
		derive, ok := parsePBKDF2(cryptobyte.String(toDER(t, c.params)), 20)
		if ok != (c.hash != nil) {
			t.Errorf("%s: %v", name, ok)
		}
		if !ok || c.hash == nil {
			continue
		}
		got, err1 := derive([]byte("secret"))
		want, err2 := pbkdf2.Key(c.hash, "secret", salt, 3, 20)
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v, %v", name, got, err1, err2)
		}
	}
}

// An ECPrivateKey with a damaged member is not a private key.
func TestDamagedSEC1(t *testing.T) {
	for name, end := range map[string]string{"a curve beyond the end": "\xa0\x7f", "half a header": "\xa0"} {
		members := "\x02\x01\x01\x04\x20" + strings.Repeat("s", 32) + end
		der := append([]byte{0x30, byte(len(members))}, members...)
		_, err := Read(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil)
		if n, ok := errors.AsType[*NotRead](err); !ok || !strings.Contains(n.What, "there is no private key within its base64") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
