package keyfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// Each kind of binary file is recognised by its first bytes. Seven bytes or more show the kind of a file of any
// size, and fewer bytes show the kind of a file that is too large to be material.
func TestFirstBytes(t *testing.T) {
	for first, kind := range map[string]string{
		"30800201033080":                         "PKCS #12",
		"308006092a864886f70d0107":               "PKCS #7",
		"feedfeed000000":                         "JKS",
		"cececece000000":                         "JCEKS",
		"0000000100000014":                       "BKS",
		"0000000200000014":                       "BKS",
		"1ef1b5b000000000":                       "PVK",
		"0702000000a4000052534132":               "MSBLOB",
		"07020000002400005253" + "4132":          "MSBLOB",
		"53616c7465645f5f":                       "openssl enc",
		"fd377a585a00":                           "xz",
		"255044462d":                             "PDF",
		"504b0304":                               "zip",
		"425a68":                                 "bzip2",
		"1f8b08":                                 "gzip",
		"85":                                     "PGP message",
		"84":                                     "PGP message",
		"8c":                                     "PGP message",
		"c3":                                     "PGP message",
		"95":                                     "PGP private key",
		"94":                                     "PGP private key",
		"99":                                     "PGP public key",
		"98":                                     "PGP public key",
		strings.Repeat("ff", 257) + "7573746172": "tar",
	} {
		begin, err := hex.DecodeString(first)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{128, 129, 512} {
			if size < len(begin) {
				continue
			}
			content := append(bytes.Clone(begin), bytes.Repeat([]byte{0xff}, size-len(begin))...)
			f, err := Read(content, nil)
			n, refused := errors.AsType[*NotRead](err)
			if want := size > 128 || len(begin) >= 7; want != refused || refused && n.Kind != kind || !refused && len(f.readings) != 1 {
				t.Errorf("%d bytes that begin with %.40s: %v, want %s", size, first, err, kind)
			}
		}
		if f, err := Read(append([]byte{0xff}, begin...), nil); err != nil || len(f.readings) != 1 {
			t.Errorf("%.40s after another byte: %v", first, err)
		}
	}
}

// readText reads a text for a key of a spec, and returns the form of the material, and a doubt or error.
func readText(content, spec string) string {
	m, err := read([]byte(content), spec)
	switch {
	case err != nil:
		return err.Error()
	case m.Doubt != "":
		return m.Form + ": " + m.Doubt
	}
	return m.Form
}

// The meaning of a text depends on the sizes of the material. Numbers in the messages are sizes of the file.
func TestReadings(t *testing.T) {
	const (
		strip = "tr -d '\\r\\n' < FILE | xxd -p | keyhold import KEY --from - --expires 90d"
		raw   = "raw: all of these bytes are printable text, which random bytes are not: is this really the material?"
		takes = ", raw, in hexadecimal or in base64"
		head  = "it has 32 bytes and a newline, which an editor or echo may have added: take the newline off: " +
			"head -c 32 FILE | keyhold import KEY --from - --expires 90d"
	)
	digits := func(octets int) string { return strings.Repeat("9a", octets) }
	text := func(characters int) string { return strings.Repeat("!", characters) }
	binary := func(octets int) string { return strings.Repeat("\xff", octets) }
	for _, c := range []struct{ content, spec, want string }{
		{digits(32), "SYMMETRIC_DEFAULT", "hexadecimal"},
		{digits(32) + "\n", "SYMMETRIC_DEFAULT", "hexadecimal"},
		{"0x" + digits(32) + "\n", "SYMMETRIC_DEFAULT", "hexadecimal after 0x: wallets write private keys so: for a key on secp256k1, give --key-spec ECC_SECG_P256K1"},
		{"0X" + digits(32), "SYMMETRIC_DEFAULT", "hexadecimal after 0x: wallets write private keys so: for a key on secp256k1, give --key-spec ECC_SECG_P256K1"},
		{digits(32), "ML_KEM_512", `key material of the spec "ML_KEM_512" is not supported`},
		{digits(33), "SYMMETRIC_DEFAULT", "it is 33 bytes (hexadecimal), and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{digits(33) + "\n", "SYMMETRIC_DEFAULT", "it is 33 bytes (hexadecimal), and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{text(33) + "\n", "SYMMETRIC_DEFAULT", "it is text of 33 characters, neither hexadecimal nor base64, and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{base64.StdEncoding.EncodeToString([]byte(digits(32))), "HMAC_512", "base64: if the 88 characters themselves are the key: " + strip},
		{base64.StdEncoding.EncodeToString([]byte(digits(32))), "SYMMETRIC_DEFAULT", "base64, hexadecimal"},
		{base64.StdEncoding.EncodeToString([]byte(digits(33))), "SYMMETRIC_DEFAULT", "it is 66 bytes (base64) or 33 bytes (base64, hexadecimal), and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{digits(16), "SYMMETRIC_DEFAULT", "it is 16 bytes (hexadecimal), and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes + "; if the 32 characters themselves are the key: " + strip},
		{text(32), "SYMMETRIC_DEFAULT", raw},
		{strings.Repeat("~ ~}", 8), "SYMMETRIC_DEFAULT", raw},
		{text(32) + "\n", "SYMMETRIC_DEFAULT", "it is text of 32 characters, neither hexadecimal nor base64, and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes + "; if the 32 characters themselves are the key: " + strip},
		{text(31), "SYMMETRIC_DEFAULT", "it is text of 31 characters, neither hexadecimal nor base64, and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{text(33), "SYMMETRIC_DEFAULT", "it is text of 33 characters, neither hexadecimal nor base64, and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{binary(32), "SYMMETRIC_DEFAULT", "raw"},
		{binary(32) + "\n", "SYMMETRIC_DEFAULT", head},
		{binary(31) + "\n", "SYMMETRIC_DEFAULT", "raw"},
		{binary(33) + "\n", "SYMMETRIC_DEFAULT", "it is 34 bytes (raw), and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{digits(64), "HMAC_512", "hexadecimal: if the 128 characters themselves are the key: " + strip},
		{digits(65), "HMAC_512", "hexadecimal"},
		{digits(32), "HMAC_512", "it is 32 bytes (hexadecimal), and a key of the spec HMAC_512 takes 64 to 128 bytes" + takes + "; if the 64 characters themselves are the key: " + strip},
		{digits(31), "HMAC_512", "it is 31 bytes (hexadecimal), and a key of the spec HMAC_512 takes 64 to 128 bytes" + takes},
		{digits(129), "HMAC_512", "it is 129 bytes (hexadecimal), and a key of the spec HMAC_512 takes 64 to 128 bytes" + takes},
		{text(128), "HMAC_512", raw},
		{text(129), "HMAC_512", "it is text of 129 characters, neither hexadecimal nor base64, and a key of the spec HMAC_512 takes 64 to 128 bytes" + takes},
		{strings.Repeat("é", 40), "HMAC_512", "raw"},
		{`{"kty":"oct","k":"` + strings.Repeat("A", 86) + `"}`, "HMAC_512", "JWK"},
		{"\x30\x7e" + strings.Repeat("\x05\x00", 63), "HMAC_512", "raw"},
		{"\x30\x7f" + strings.Repeat("\x05\x00", 62) + "\x04\x01x", "HMAC_512", "it is ASN.1 of an unknown structure: list its content with openssl asn1parse -inform DER -in FILE"},
		{digits(32), "RSA_2048", "it holds no private key, and a key of the spec RSA_2048 wants one in PEM, DER or JWK"},
		{digits(31), "ECC_NIST_P256", "it holds no private key, and a key of the spec ECC_NIST_P256 wants one in PEM, DER or JWK, or its private scalar of 32 bytes in hexadecimal"},
		{digits(67), "ECC_NIST_P521", "it holds no private key, and a key of the spec ECC_NIST_P521 wants one in PEM, DER or JWK, or its private scalar of 66 bytes in hexadecimal"},
		{text(32), "ECC_NIST_P256", "it holds no private key, and a key of the spec ECC_NIST_P256 wants one in PEM, DER or JWK, or its private scalar of 32 bytes in hexadecimal"},
		{`""`, "SYMMETRIC_DEFAULT", "it is an empty file: check how the file came here"},
		{`''`, "SYMMETRIC_DEFAULT", "it is an empty file: check how the file came here"},
		{`" "`, "SYMMETRIC_DEFAULT", "it is an empty file: check how the file came here"},
		{`"`, "SYMMETRIC_DEFAULT", "it is text of 1 characters, neither hexadecimal nor base64, and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{`"` + digits(32) + `'`, "SYMMETRIC_DEFAULT", "it is text of 66 characters, neither hexadecimal nor base64, and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes" + takes},
		{`'` + digits(32) + `'`, "SYMMETRIC_DEFAULT", "hexadecimal"},
	} {
		if got := readText(c.content, c.spec); got != c.want {
			t.Errorf("%q for %s:\n%s\nwant\n%s", c.content, c.spec, got, c.want)
		}
	}
}

// base58Of returns the wallet import format of bytes, with their check sum.
func base58Of(content []byte) string {
	once := sha256.Sum256(content)
	twice := sha256.Sum256(once[:])
	n, digit := new(big.Int).SetBytes(append(bytes.Clone(content), twice[:4]...)), new(big.Int)
	var text []byte
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), digit)
		text = append(text, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit.Int64()])
	}
	slices.Reverse(text)
	return string(text)
}

// The wallet import format has a network byte, 32 bytes of the scalar and, for a compressed public key, the byte 1.
func TestWIFForms(t *testing.T) {
	scalar := countingBytes(33)[1:]
	for name, c := range map[string]struct {
		content []byte
		ok      bool
	}{
		"main network":             {slices.Concat([]byte{0x80}, scalar), true},
		"main network, compressed": {slices.Concat([]byte{0x80}, scalar, []byte{1}), true},
		"test network":             {slices.Concat([]byte{0xef}, scalar), true},
		"test network, compressed": {slices.Concat([]byte{0xef}, scalar, []byte{1}), true},
		"another last byte":        {slices.Concat([]byte{0x80}, scalar, []byte{2}), false},
		"no last byte":             {slices.Concat([]byte{0x80}, scalar, []byte{0}), false},
		"a short number":           {slices.Concat([]byte{0}, scalar, []byte{1}), false},
		"one byte short":           {slices.Concat([]byte{0x80}, scalar[1:]), false},
	} {
		got, ok := new(reader).fromWIF([]byte(base58Of(c.content)))
		if ok != c.ok || ok && !bytes.Equal(got, scalar) {
			t.Errorf("%s: %x, %v", name, got, ok)
		}
	}
}

// JSON other than an object with each member once is refused, and the error of the only key in a set is kept.
func TestRefusedJSON(t *testing.T) {
	oct := func(octets string) string { return `{"kty":"oct","k":"` + octets + `"}` }
	key := oct(base64.RawURLEncoding.EncodeToString(countingBytes(32)))
	for content, want := range map[string]string{
		key:                                      "JWK",
		`{"keys":[` + key + `]}`:                 "JWK set, JWK",
		`{"keys":[{"kty":"RSA"},` + key + `]}`:   "JWK set, JWK",
		`{"keys":[` + oct("!") + `]}`:            `the member "k" of the JWK is not base64url`,
		`{"keys":[` + key + `,` + key + `]}`:     "JWK set",
		`{"keys":[{"kty":"RSA"}]}`:               "JWK set without",
		`{"keys":[]}`:                            "JWK set without",
		`{"keys":7}`:                             "JSON",
		`["kty","oct","k","` + oct("AA") + `"]`:  "damaged JSON",
		`["kty","oct","k","AAAA"]`:               "JSON",
		`[` + key + `]`:                          "JSON",
		`[]`:                                     "JSON",
		`{}`:                                     "JSON",
		`{"kty":"oct","k":"AA","k":"AA"}`:        `the JSON has the member "k" twice`,
		key + key:                                "something follows the JSON object",
		key + `}`:                                "something follows the JSON object",
		key[:len(key)-1]:                         "damaged JSON",
		`{"kty"`:                                 "damaged JSON",
		`{"kty":`:                                "damaged JSON",
		`{kty:"oct"}`:                            "damaged JSON",
		`{1:"oct"}`:                              "damaged JSON",
		`{"kty":"oct"}`:                          `the JWK has no member "k" that is text`,
		`{"kty":"oct","k":7}`:                    `the JWK has no member "k" that is text`,
		`{"kty":"oct","k":77}`:                   `the JWK has no member "k" that is text`,
		`{"kty":"RSA","d":"AA","oth":[]}`:        "the private key of the JWK has more than two primes",
		`{"kty":"RSA","n":"AA","d":"AA"}`:        `the JWK has no member "e" that is text`,
		`{"kty":"RSA","e":"AA","d":"AA"}`:        `the JWK has no member "n" that is text`,
		`{"kty":"EC","crv":"P-256","d":"AA"}`:    `the JWK has no member "x" that is text`,
		`{"kty":"RSA","n":"AA","e":"AA","d":""}`: "the private key is an RSA key of 0 bits: only RSA keys of 2048, 3072 and 4096 bits can be imported",
	} {
		m, err := read([]byte(content), "SYMMETRIC_DEFAULT")
		got := fmt.Sprint(err)
		if n, ok := errors.AsType[*NotRead](err); ok {
			got = n.Kind
		} else if err == nil {
			got = m.Form
		}
		if got != want {
			t.Errorf("%s: %s, want %s", content, got, want)
		}
	}
}

// A number of an EC key in a JWK has at most as many bytes as its curve, apart from zeros at the beginning.
func TestSizesInJWK(t *testing.T) {
	for crv, size := range map[string]int{"P-256": 32, "P-384": 48, "P-521": 66, "secp256k1": 32} {
		for _, name := range []string{"d", "x", "y"} {
			members := map[string]string{"kty": "EC", "crv": crv}
			for _, other := range []string{"d", "x", "y"} {
				members[other] = base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{1}, size))
			}
			members[name] = base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{1}, size+1))
			text, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("the member %q of the JWK has more than the %d bytes of the curve %s", name, size, crv)
			if _, err := Read(text, nil); err == nil || err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
	for octets, want := range map[string]string{"": "0000", "01": "0001", "0102": "0102", "000102": "0102", "00000102": "0102", "010203": "", "00010203": ""} {
		number, err := hex.DecodeString(octets)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pad(number, 2); hex.EncodeToString(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s in two bytes: %x, %v", octets, got, err)
		}
	}
}

// rootOfOne returns a root of 1 other than 1 and -1 modulo 65 = 5*13.
func TestRootOfOne(t *testing.T) {
	for _, c := range []struct {
		y       int64
		squares uint
		want    int64 // 0 for none
	}{
		{1, 3, 0}, {64, 3, 0}, // 1 and -1
		{14, 1, 14}, {51, 1, 51}, // roots of 1
		{14, 0, 0},
		{27, 2, 14}, {27, 1, 0}, // 27² = 14
		{8, 3, 0}, {8, 2, 0}, // 8² = -1
		{2, 9, 0}, {5, 9, 0}, // never 1
	} {
		got := rootOfOne(big.NewInt(c.y), big.NewInt(65), c.squares)
		if c.want == 0 && got != nil || c.want != 0 && (got == nil || got.Int64() != c.want) {
			t.Errorf("%d squared at most %d times: %v, want %d", c.y, c.squares, got, c.want)
		}
	}
}

// complete refuses numbers that do not belong together, and computes all that are missing.
func TestComplete(t *testing.T) {
	n := fromDER[rsaNumbers](t, fromDER[pkcs8Numbers](t, fixture(t, "rsa-2048")).Key)
	good := []*big.Int{n.N, n.E, n.D, n.P, n.Q, n.DP, n.DQ, n.QInv}
	for missing := range 1 << 5 {
		numbers := slices.Clone(good)
		for i := range 5 {
			if missing&(1<<i) != 0 {
				numbers[3+i] = nil
			}
		}
		if err := complete(numbers); err != nil {
			t.Fatal(err)
		}
		product := new(big.Int).Mul(numbers[3], numbers[4])
		inverse := new(big.Int).Mul(numbers[4], numbers[7])
		if product.Cmp(n.N) != 0 || inverse.Mod(inverse, numbers[3]).Cmp(one) != 0 || slices.Contains(numbers, nil) {
			t.Errorf("without %05b the numbers are wrong", missing)
		}
		if missing&7 == 4 && (numbers[5].Cmp(n.DP) != 0 || numbers[6].Cmp(n.DQ) != 0) {
			t.Errorf("without %05b the exponents are wrong", missing)
		}
	}
	add := func(n *big.Int, m int64) *big.Int { return new(big.Int).Add(n, big.NewInt(m)) }
	lambda := new(big.Int).Mul(add(n.P, -1), add(n.Q, -1))
	for name, change := range map[string]func(numbers []*big.Int){
		"an even modulus":             func(numbers []*big.Int) { numbers[0] = add(n.N, -1) },
		"an even modulus with primes": func(numbers []*big.Int) { numbers[0], numbers[3], numbers[4] = add(n.N, -1), n.P, n.Q },
		"an exponent of 32 bits":      func(numbers []*big.Int) { numbers[1], numbers[3], numbers[4] = big.NewInt(1<<31), n.P, n.Q },
		"d above n":                   func(numbers []*big.Int) { numbers[2] = new(big.Int).Add(n.D, new(big.Int).Mul(lambda, big.NewInt(8))) },
		"d = n":                       func(numbers []*big.Int) { numbers[2], numbers[3], numbers[4] = n.N, n.P, n.Q },
		"p = 1":                       func(numbers []*big.Int) { numbers[3], numbers[4] = one, n.N },
		"q = 1":                       func(numbers []*big.Int) { numbers[3], numbers[4] = n.N, one },
		"p = q":                       func(numbers []*big.Int) { numbers[3], numbers[4] = n.P, n.P },
		"d = 0":                       func(numbers []*big.Int) { numbers[2] = new(big.Int) },
	} {
		numbers := []*big.Int{n.N, n.E, n.D, nil, nil, nil, nil, nil}
		change(numbers)
		if err := complete(numbers); err != errExponent {
			t.Errorf("%s: %v", name, err)
		}
	}
	numbers := []*big.Int{n.N, new(big.Int).Add(n.E, big.NewInt(1<<31-1-n.E.Int64())), n.D, n.P, n.Q, nil, nil, nil}
	if err := complete(numbers); err != nil {
		t.Errorf("an exponent of 31 bits: %v", err)
	}
}

// Errors show names of at most 24 characters from a file.
func TestShort(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", ""}, {"P-256", "P-256"},
		{strings.Repeat("x", 24), strings.Repeat("x", 24)}, {strings.Repeat("x", 25), "…"},
	} {
		if got := short(c.name); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}

// An encoding may be inside two others.
func TestDepthOfEncodings(t *testing.T) {
	text := hex.EncodeToString(countingBytes(32))
	for depth, want := range []string{"hexadecimal", "base64, hexadecimal", "base64, base64, hexadecimal", "it is text that is encoded more than twice: decode the file until a key is in it"} {
		if got := readText(text, "SYMMETRIC_DEFAULT"); got != want {
			t.Errorf("in base64 %d times: %s, want %s", depth, got, want)
		}
		text = base64.StdEncoding.EncodeToString([]byte(text))
	}
}
