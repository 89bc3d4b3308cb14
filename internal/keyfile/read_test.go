package keyfile

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// countingBytes returns the bytes 0, 1, 2, ...
func countingBytes(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestSizes(t *testing.T) {
	for spec, want := range map[string][2]int{
		"SYMMETRIC_DEFAULT": {32, 32}, "HMAC_224": {28, 128}, "HMAC_256": {32, 128}, "HMAC_384": {48, 128}, "HMAC_512": {64, 128},
		"RSA_2048": {}, "ECC_NIST_P256": {}, "ML_KEM_768": {}, "": {}, "symmetric_default": {},
	} {
		least, most, err := Sizes(spec)
		if least != want[0] || most != want[1] || (err == nil) != (most > 0) {
			t.Errorf("%q: %d to %d, %v", spec, least, most, err)
		}
	}
}

// HMAC material may have from the size of the hash to 128 bytes, in every encoding.
func TestHMACSizes(t *testing.T) {
	for _, spec := range []string{"HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"} {
		least, most, _ := Sizes(spec)
		for size := least - 1; size <= most+1; size++ {
			material := bytes.Repeat([]byte{0xfe}, size)
			m, err := read(material, spec)
			if fits := size >= least && size <= most; fits != (err == nil) || fits && !bytes.Equal(m.Bytes, material) {
				t.Errorf("%s, %d bytes: %v", spec, size, err)
			}
		}
	}
}

// Random bytes of every size of material are read as material, even if they begin like a known
// kind of file.
func TestAnyBytesAreMaterial(t *testing.T) {
	beginnings := [][]byte{bomUTF8, bomUTF16LE, bomUTF16BE, {0x30}, {0x30, 0x1e}, {0x30, 0x80}, {0x30, 0x81, 0x20}, {0x30, 0x1e, 2, 1, 0}}
	for _, m := range magics {
		if len(m.magic) < 7 && m.at == 0 {
			beginnings = append(beginnings, []byte(m.magic))
		}
	}
	for _, begin := range beginnings {
		for size := 32; size <= 128; size++ {
			material := append(slices.Clone(begin), bytes.Repeat([]byte{0xe1}, size-len(begin))...)
			if m, err := read(material, "HMAC_256"); err != nil || !bytes.Equal(m.Bytes, material) || m.Form != "raw" {
				t.Errorf("%d bytes that begin with %x: %v", size, begin, err)
			}
		}
	}
}

// Read erases its buffers, and Clear erases a File.
func TestBuffersAreErased(t *testing.T) {
	w := newWorkshop(t)
	for _, makes := range []string{
		"cat ec.pem", "base64 -w0 rsa.pem", "utf16 ec.pem UTF-16", "jwk rsa.pem -p -q -dp -dq -qi", "xxd -p 64.bin", "base64 64.bin", "cat 64.bin",
		"enc ec.pem -v2 aes-256-cbc", "trad rsa.pem -aes256 -passout pass:secret12", "jwk zero.pem strip", "json kty oct k $(b64url < 64.bin)",
	} {
		t.Run(makes, func(t *testing.T) { testErased(t, w.mustRun(t, makes)) })
	}
}

// testErased reads a file, clears the result, and checks the buffers.
func testErased(t *testing.T, content []byte) {
	var secrets [][]byte
	r := &reader{passphrase: func() ([]byte, error) {
		secret := []byte("secret12")
		secrets = append(secrets, secret)
		return secret, nil
	}}
	f, err := r.read(content)
	if err != nil {
		t.Fatal(err)
	}
	r.clear()
	kept := append(r.buffers, secrets...)
	if f.key != nil {
		kept = append(kept, f.key.PKCS8)
	}
	for _, reading := range f.readings {
		kept = append(kept, reading.octets)
	}
	if f.Clear(); slices.ContainsFunc(kept, func(b []byte) bool { return !bytes.Equal(b, make([]byte, len(b))) }) {
		t.Error("something is left")
	}
}

// The material is a copy.
func TestMaterialIsACopy(t *testing.T) {
	content := countingBytes(32)
	f, err := Read(content, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.Material("SYMMETRIC_DEFAULT")
	clear(content)
	if f.Clear(); err != nil || !bytes.Equal(m.Bytes, countingBytes(32)) {
		t.Errorf("%x, %v", m.Bytes, err)
	}
}

// Read asks for a passphrase only for an encrypted private key that it reads. Without a
// passphrase, an encrypted key is an error.
func TestPassphrase(t *testing.T) {
	w := newWorkshop(t)
	refused := errors.New("nobody is there")
	for makes, want := range map[string]error{
		"cat ec.pem": nil, "enc ec.pem -v2 aes-256-cbc": refused, "trad ec.pem -aes256 -passout pass:secret12": refused,
		"enc ec.pem -v1 PBE-SHA1-3DES": &NotRead{}, "trad ec.pem -camellia256 -passout pass:secret12": &NotRead{}, "p12 ec.pem": &NotRead{},
	} {
		_, err := Read(w.mustRun(t, makes), func() ([]byte, error) { return nil, refused })
		if _, ok := errors.AsType[*NotRead](want); ok {
			if _, ok := errors.AsType[*NotRead](err); !ok {
				t.Errorf("%s: %v", makes, err)
			}
		} else if !errors.Is(err, want) {
			t.Errorf("%s: %v", makes, err)
		}
	}
}

// Errors contain names from a file only if the names are short.
func TestNamesInErrorsAreShort(t *testing.T) {
	const secret = "the secret of this file is in a place that has a name"
	for _, content := range []string{
		"-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: " + secret + ",00\n\nMAA=\n-----END PRIVATE KEY-----\n",
		"-----BEGIN " + secret + "-----\nMAA=\n-----END " + secret + "-----\n",
		`{"crypto": {}, "version": "` + secret + `"}`,
		`{"crypto": {"cipher": "` + secret + `"}, "version": 3}`,
		`{"crypto": {"cipher": "aes-128-ctr", "kdf": "` + secret + `"}, "version": 3}`,
		`{"kty": "` + secret + `"}`,
		`{"kty": "OKP", "crv": "` + secret + `"}`,
		`{"kty": "EC", "d": "AQ", "crv": "` + secret + `"}`,
		`{"` + secret + `": 1, "` + secret + `": 2}`,
	} {
		if _, err := read([]byte(content), "RSA_2048"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", content, err)
		}
	}
}

// Another possible meaning of a file is reported.
func TestDoubt(t *testing.T) {
	w := newWorkshop(t)
	for _, c := range []struct{ makes, spec, want string }{
		{"cat 32.bin", "SYMMETRIC_DEFAULT", ""},
		{"base64 32.bin", "SYMMETRIC_DEFAULT", ""},
		{"printf 'correct horse battery staple 123'", "SYMMETRIC_DEFAULT", "all of these bytes are printable text"},
		{"base64 32.bin", "HMAC_256", "if the 44 characters themselves are the key: tr -d"},
		{"xxd -p -c 64 32.bin", "HMAC_256", "if the 64 characters themselves are the key: tr -d"},
		{"cat 32.bin 32.bin 32.bin 32.bin | xxd -p -c 256", "HMAC_512", ""}, // more characters than a key can have
		{"printf 0x; xxd -p -c 64 32.bin", "SYMMETRIC_DEFAULT", "for a key on secp256k1, give --key-spec ECC_SECG_P256K1"},
		{"scalar ec.pem 32", "ECC_NIST_P256", "compare its public key, 0"},
	} {
		t.Run(c.makes, func(t *testing.T) {
			m, err := read(w.mustRun(t, c.makes), c.spec)
			if err != nil || !strings.Contains(m.Doubt, c.want) || c.want == "" && m.Doubt != "" {
				t.Errorf("%v, %+v", err, m)
			}
		})
	}
}

// The primes of a key are recovered from each private exponent that belongs to the key: modulo
// the least common multiple of p-1 and q-1 (FIPS 186-5), and modulo their product (RFC 8017,
// section 3.2).
func TestFactors(t *testing.T) {
	text, err := os.ReadFile("../privatekey/testdata/rsa-2048.der")
	if err != nil {
		t.Fatal(err)
	}
	k, err := privatekey.Parse("RSA_2048", text)
	if err != nil {
		t.Fatal(err)
	}
	p, q, n, e := primesOf(t, k.PKCS8)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	phi := new(big.Int).Mul(p1, q1)
	lambda := new(big.Int).Div(phi, new(big.Int).GCD(nil, nil, p1, q1))
	for _, modulus := range []*big.Int{phi, lambda} {
		a, b, err := factors(n, e, new(big.Int).ModInverse(e, modulus))
		if err != nil || new(big.Int).Mul(a, b).Cmp(n) != 0 || a.Cmp(one) <= 0 || b.Cmp(one) <= 0 {
			t.Errorf("%v, %v", a, err)
		}
	}
	for _, d := range []*big.Int{new(big.Int).Sub(new(big.Int).ModInverse(e, lambda), big.NewInt(2)), new(big.Int), one} {
		if _, _, err := factors(n, e, d); err == nil {
			t.Errorf("another exponent gives primes: %d bits", d.BitLen())
		}
	}
}

// FuzzRead checks that reading any file gives a valid private key, bytes, or an error, and that
// reading the PKCS #8 of a private key gives the same key.
func FuzzRead(f *testing.F) {
	for _, file := range []string{"ec-P-256.der", "ec-secp256k1.der", "rsa-2048.der"} {
		der, err := os.ReadFile("../privatekey/testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nMAA=\n-----END EC PRIVATE KEY-----\n"))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","d":"AQ","x":"AQ","y":"AQ"}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB","d":"AQ"},{"kty":"oct","k":"AQ"}]}`))
	f.Add([]byte("\xff\xfe0\x00x\x000\x001\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.Contains(content, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c}) {
			t.Skip() // PBKDF2, which is slow by design
		}
		file, err := Read(content, secret12)
		if err != nil || file.key == nil {
			return
		}
		m, err := file.Material(file.KeySpec())
		if err != nil {
			t.Fatal(err)
		}
		again, err := read(m.Bytes, file.KeySpec())
		if err != nil || !bytes.Equal(again.Bytes, m.Bytes) || !bytes.Equal(again.PublicKey, m.PublicKey) {
			t.Errorf("%s: read again: %v", file.KeySpec(), err)
		}
	})
}

// primesOf returns the primes in the PKCS #8 of an RSA key.
func primesOf(t *testing.T, pkcs8 []byte) (p, q, n, e *big.Int) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		t.Fatal(err)
	}
	k := key.(*rsa.PrivateKey)
	return k.Primes[0], k.Primes[1], k.N, big.NewInt(int64(k.E))
}
