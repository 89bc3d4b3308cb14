package keyfile

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"
	"golang.org/x/crypto/sha3"

	"github.com/keyhold/keyhold/internal/listtest"
)

// rsaNumbers are the members of an RSAPrivateKey after the version.
type rsaNumbers struct {
	Version                     int
	N, E, D, P, Q, DP, DQ, QInv *big.Int
}

// ecNumbers is an ECPrivateKey.
type ecNumbers struct {
	Version int
	Scalar  []byte
	Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
	Point   asn1.BitString        `asn1:"optional,explicit,tag:1"`
}

type pkcs8Numbers struct {
	Version   int
	Algorithm asn1.RawValue
	Key       []byte
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	der, err := os.ReadFile("../privatekey/testdata/" + name + ".der")
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func fromDER[T any](t *testing.T, der []byte) (value T) {
	t.Helper()
	if _, err := asn1.Unmarshal(der, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func toDER(t *testing.T, value any) []byte {
	t.Helper()
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A pbes2 describes the encryption of a private key.
type pbes2 struct {
	kdf        asn1.ObjectIdentifier
	iterations int
	prf        asn1.ObjectIdentifier // nil: the default, which sealing does not support
	cipher     asn1.ObjectIdentifier
	iv         []byte
	content    []byte // instead of the encrypted key
	nothing    bool   // no content
	end        func(b *cryptobyte.Builder)
}

var (
	oidAES128 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidHMAC   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	ofPBKDF2  = pbes2{kdf: oidPBKDF2, iterations: 1, prf: oidHMAC, cipher: oidAES128, iv: make([]byte, 16)}
	ofScrypt  = pbes2{kdf: oidScrypt, cipher: oidAES128, iv: make([]byte, 16)}
)

// seal encrypts a private key under the passphrase "secret12".
func (p pbes2) seal(t *testing.T, plain []byte) []byte {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, "secret12", []byte("salt"), 1, 16)
	if p.kdf.Equal(oidScrypt) {
		key, err = scrypt.Key([]byte("secret12"), []byte("salt"), 2, 1, 1, 16)
	}
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	padding := 16 - len(plain)%16
	sealed := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, make([]byte, 16)).CryptBlocks(sealed, sealed)
	if p.content != nil || p.nothing {
		sealed = p.content
	}
	var b cryptobyte.Builder
	sequence := func(b *cryptobyte.Builder, f func(b *cryptobyte.Builder)) { b.AddASN1(tag.SEQUENCE, f) }
	sequence(&b, func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidPBES2)
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(p.kdf)
					sequence(b, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString([]byte("salt"))
						if p.kdf.Equal(oidScrypt) {
							b.AddASN1Int64(2)
							b.AddASN1Int64(1)
							b.AddASN1Int64(1)
							return
						}
						b.AddASN1Int64(int64(p.iterations))
						if p.prf != nil {
							sequence(b, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(p.prf) })
						}
					})
				})
				sequence(b, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(p.cipher)
					b.AddASN1OctetString(p.iv)
				})
			})
		})
		b.AddASN1OctetString(sealed)
		if p.end != nil {
			p.end(b)
		}
	})
	return b.BytesOrPanic()
}

// An encrypted private key is refused with the reason.
func TestRefusedEncryption(t *testing.T) {
	ec := fixture(t, "ec-P-256")
	dsa := toDER(t, []int{0, 23, 11, 4, 8, 3})
	with := func(change func(p *pbes2)) pbes2 { p := ofPBKDF2; change(&p); return p }
	for name, test := range map[string]struct {
		sealed []byte
		want   string
	}{
		"a key":             {ofPBKDF2.seal(t, ec), ""},
		"a key, scrypt":     {ofScrypt.seal(t, ec), ""},
		"a key of DSA":      {ofPBKDF2.seal(t, dsa), "a private key of the algorithm DSA"},
		"no key":            {ofPBKDF2.seal(t, toDER(t, []bool{true})), ErrPassphrase.Error()},
		"no SEQUENCE":       {ofPBKDF2.seal(t, []byte("0123456789abcde")), ErrPassphrase.Error()},
		"more than a key":   {ofPBKDF2.seal(t, append(bytes.Clone(ec), 5, 0)), ErrPassphrase.Error()},
		"no padding":        {with(func(p *pbes2) { p.content = make([]byte, 16) }).seal(t, ec), ErrPassphrase.Error()},
		"half a block":      {with(func(p *pbes2) { p.content = make([]byte, 24) }).seal(t, ec), "AES-128-CBC with a wrong size"},
		"no block":          {with(func(p *pbes2) { p.nothing = true }).seal(t, ec), "AES-128-CBC with a wrong size"},
		"a short IV":        {with(func(p *pbes2) { p.iv = make([]byte, 15) }).seal(t, ec), "AES-128-CBC with a wrong size"},
		"another KDF":       {with(func(p *pbes2) { p.kdf = asn1.ObjectIdentifier{1, 2, 3} }).seal(t, ec), "the key derivation 1.2.3"},
		"another cipher":    {with(func(p *pbes2) { p.cipher = asn1.ObjectIdentifier{1, 2, 4} }).seal(t, ec), "not read here (1.2.4)"},
		"another PRF":       {with(func(p *pbes2) { p.prf = asn1.ObjectIdentifier{1, 2, 5} }).seal(t, ec), "the key derivation 1.2.840.113549.1.5.12"},
		"no iteration":      {with(func(p *pbes2) { p.iterations = 0 }).seal(t, ec), "the key derivation 1.2.840.113549.1.5.12"},
		"many iterations":   {with(func(p *pbes2) { p.iterations = 100_000_001 }).seal(t, ec), "the key derivation 1.2.840.113549.1.5.12"},
		"a member too much": {with(func(p *pbes2) { p.end = func(b *cryptobyte.Builder) { b.AddASN1Int64(1) } }).seal(t, ec), "PEM that is damaged"},
	} {
		_, err := Read(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: test.sealed}), secret12)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	type params struct {
		Salt       []byte
		Iterations int
	}
	kdf := cryptobyte.String(toDER(t, params{[]byte("salt"), 100_000_000}))
	if _, ok := parsePBKDF2(kdf, 16); !ok {
		t.Error("100,000,000 iterations are refused")
	}
}

// walletOf returns a wallet of Ethereum with a scalar, under the passphrase "secret12".
func walletOf(t *testing.T, scalar []byte) any {
	t.Helper()
	key, err := scrypt.Key([]byte("secret12"), []byte("salt"), 2, 1, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		t.Fatal(err)
	}
	sealed := make([]byte, 32)
	cipher.NewCTR(block, make([]byte, 16)).XORKeyStream(sealed, scalar)
	h := sha3.NewLegacyKeccak256()
	h.Write(key[16:])
	h.Write(sealed)
	return map[string]any{"version": 3, "id": "x", "crypto": map[string]any{
		"cipher": "aes-128-ctr", "ciphertext": hex.EncodeToString(sealed), "mac": hex.EncodeToString(h.Sum(nil)),
		"cipherparams": map[string]string{"iv": strings.Repeat("00", 16)}, "kdf": "scrypt",
		"kdfparams": map[string]any{"dklen": 32, "n": 2, "r": 1, "p": 1, "salt": hex.EncodeToString([]byte("salt"))},
	}}
}

// samples returns sound files of all forms that this package parses itself, with fixed keys. The number is the
// distance between the bytes that are damaged: RSA keys take longer to check.
func samples(t *testing.T) map[string]struct {
	content []byte
	every   int
} {
	t.Helper()
	all := map[string]struct {
		content []byte
		every   int
	}{}
	add := func(name string, every int, content []byte) {
		all[name] = struct {
			content []byte
			every   int
		}{content, every}
	}
	text := func(value any) []byte {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b64 := base64.RawURLEncoding.EncodeToString
	ec, k1, rsa := fixture(t, "ec-P-256"), fixture(t, "ec-secp256k1"), fixture(t, "rsa-2048")
	inner := fromDER[ecNumbers](t, fromDER[pkcs8Numbers](t, ec).Key)
	point := inner.Point.RightAlign()
	add("PKCS #8", 1, ec)
	add("PKCS #8, secp256k1", 1, k1)
	add("PKCS #8 in PEM", 1, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: ec}))
	add("PKCS #8, version 1", 1, toDER(t, struct {
		Version   int
		Algorithm asn1.RawValue
		Key       []byte
		Public    asn1.BitString `asn1:"tag:1"`
	}{1, fromDER[pkcs8Numbers](t, ec).Algorithm, fromDER[pkcs8Numbers](t, ec).Key, inner.Point}))
	sec1 := inner
	sec1.Curve = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	add("SEC 1", 1, toDER(t, sec1))
	add("PBKDF2", 1, ofPBKDF2.seal(t, ec))
	add("scrypt", 1, ofScrypt.seal(t, ec))
	add("JWK", 1, text(map[string]string{"kty": "EC", "crv": "P-256", "d": b64(inner.Scalar), "x": b64(point[1:33]), "y": b64(point[33:])}))
	add("wallet", 1, text(walletOf(t, inner.Scalar)))
	add("WIF", 1, []byte("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"))
	add("JWK of bytes", 1, text(map[string]string{"kty": "oct", "k": b64([]byte("0123456789abcdef0123456789abcdef"))}))

	pkcs1 := fromDER[pkcs8Numbers](t, rsa).Key
	n := fromDER[rsaNumbers](t, pkcs1)
	add("PKCS #1", 16, pkcs1)
	numbers := []*big.Int{n.N, n.E, n.D, n.P, n.Q, n.DP, n.DQ, n.QInv}
	jwk, xml := map[string]string{"kty": "RSA"}, "<RSAKeyValue>"
	for i, name := range []string{"n", "e", "d", "p", "q", "dp", "dq", "qi"} {
		jwk[name] = b64(numbers[i].Bytes())
		member := []string{"Modulus", "Exponent", "D", "P", "Q", "DP", "DQ", "InverseQ"}[i]
		xml += "<" + member + ">" + base64.StdEncoding.EncodeToString(numbers[i].Bytes()) + "</" + member + ">"
	}
	add("JWK, RSA", 16, text(jwk))
	add("XML", 16, []byte(xml+"</RSAKeyValue>"))
	return all
}

// detail is what the list of outcomes omits, but not its digest.
var detail = regexp.MustCompile(` of \d+ bytes$| \d+(\.\d+)+$|, [0-9a-f]{8}$| \(.*\)$`)

// outcome returns the result of Read for a file, without the material.
func outcome(content []byte) string {
	f, err := Read(content, secret12)
	if n, ok := errors.AsType[*NotRead](err); ok {
		return "not read: " + n.Kind + ", " + n.What
	}
	if err != nil {
		return err.Error()
	}
	if f.key != nil {
		digest := sha256.Sum256(f.key.PKCS8)
		return fmt.Sprintf("%s, %s, %x", f.form, f.key.Spec, digest[:4])
	}
	var forms []string
	for _, r := range f.readings {
		forms = append(forms, fmt.Sprintf("%s of %d bytes", r.form, len(r.octets)))
	}
	return strings.Join(forms, ", or ")
}

// damages returns what happens to a file of n bytes at a position.
func damages(content []byte, at int) [][]byte {
	flipped, high, without := bytes.Clone(content), bytes.Clone(content), slices.Delete(bytes.Clone(content), at, at+1)
	flipped[at] ^= 1
	high[at] ^= 0x40
	return [][]byte{flipped, high, without, bytes.Clone(content[:at])}
}

// Each file is damaged at each place, and Read answers as testdata/damaged.txt lists. Run the test with
// KEYHOLD_GOLDEN=1 to write the list again after a deliberate change.
func TestDamagedFiles(t *testing.T) {
	var list strings.Builder
	all := samples(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		counts, order := map[string]int{}, sha256.New()
		for at := 0; at < len(s.content); at += s.every {
			for _, damaged := range damages(s.content, at) {
				o := outcome(damaged)
				fmt.Fprintln(order, o)
				counts[detail.ReplaceAllString(o, "")]++
			}
		}
		fmt.Fprintf(&list, "## %s: %s; damaged %.8x\n", name, outcome(s.content), order.Sum(nil))
		for _, o := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&list, "%4d %s\n", counts[o], o)
		}
	}
	listtest.Compare(t, "testdata/damaged.txt", list.String())
}
