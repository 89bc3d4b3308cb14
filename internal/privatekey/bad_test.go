package privatekey

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// A badKey is a crafted private key, and a part of the reason why it is refused.
type badKey struct {
	name, spec string
	der        []byte
	cause      string
}

// Each crafted key is refused for its own reason, which contains nothing of the key. With
// KEYHOLD_REFUSAL_LIMIT, as in make badkeys, no refusal may take longer.
func TestBadKeys(t *testing.T) {
	bad := append(append(badPKCS8(t), badRSA(t)...), badEC(t)...)
	if len(bad) < 60 {
		t.Errorf("there are only %d bad keys", len(bad))
	}
	limit, _ := time.ParseDuration(os.Getenv("KEYHOLD_REFUSAL_LIMIT"))
	var longest time.Duration
	names := map[string]bool{}
	for _, b := range bad {
		if names[b.name] {
			t.Errorf("there are two keys %q", b.name)
		}
		names[b.name] = true
		before := time.Now()
		kept, err := Parse(b.spec, b.der)
		took := time.Since(before)
		longest = max(longest, took)
		cause, ok := errors.AsType[Problem](err)
		if !ok || kept.PKCS8 != nil || !strings.Contains(string(cause), b.cause) {
			t.Errorf("%s: %d bytes, %v; not %q", b.name, len(kept.PKCS8), err, b.cause)
		}
		if limit > 0 && took > limit {
			t.Errorf("%s: refused after %v", b.name, took)
		}
	}
	t.Logf("%d bad keys, the longest refusal after %v", len(bad), longest)
}

// A key that is cut off, or has an additional byte, is refused. A key with a flipped bit is
// refused or gives the same key.
func TestDamagedKeys(t *testing.T) {
	for spec, der := range map[string][]byte{"RSA_2048": goodRSA(t, 2048).pkcs8(), "ECC_NIST_P256": opensslKey(t, "ECC_NIST_P256"), "ECC_SECG_P256K1": opensslKey(t, "ECC_SECG_P256K1")} {
		kept := mustParse(t, spec, der)
		for n := range der {
			if _, err := Parse(spec, der[:n]); !isProblem(err) {
				t.Errorf("%s: the first %d bytes: %v", spec, n, err)
			}
		}
		if _, err := Parse(spec, append(der[:len(der):len(der)], 0)); !isProblem(err) {
			t.Errorf("%s: with a byte more: %v", spec, err)
		}
		for bit := range 8 * len(der) {
			der[bit/8] ^= 1 << (bit % 8)
			if got, err := Parse(spec, der); !isProblem(err) && string(got.PKCS8) != string(kept) {
				t.Errorf("%s: with bit %d flipped: another key, %v", spec, bit, err)
			}
			der[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// badPKCS8 returns keys that are refused before their algorithm is known.
func badPKCS8(t *testing.T) []badKey {
	const spec = "ECC_NIST_P256"
	rsa, ec, p384 := goodRSA(t, 2048), opensslKey(t, spec), opensslKey(t, "ECC_NIST_P384")
	parts := mustPKCS8(t, ec)
	algorithm := derSequence(derOID(parts.algorithm...), parts.parameters)
	ed25519 := pemBytes(t, openssl(t, nil, "genpkey", "-algorithm", "ED25519"))
	x25519 := pemBytes(t, openssl(t, nil, "genpkey", "-algorithm", "X25519"))
	dh := derPKCS8(derSequence(derOID(1, 2, 840, 113549, 1, 3, 1), derSequence(derZero, derZero)), derZero)
	sec1 := openssl(t, ec, "ec", "-inform", "DER", "-outform", "DER")
	encrypted := openssl(t, ec, "pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-passout", "pass:secret", "-v2", "aes-256-cbc")
	public := openssl(t, ec, "pkey", "-inform", "DER", "-pubout", "-outform", "DER")
	text := openssl(t, ec, "pkey", "-inform", "DER")
	return []badKey{
		{"nothing", spec, nil, "is not PKCS #8 in DER"},
		{"32 random bytes", spec, random(32), "is not PKCS #8 in DER"},
		{"zeros", spec, make([]byte, 138), "is not PKCS #8 in DER"},
		{"PEM", spec, text, "is not PKCS #8 in DER"},
		{"an empty sequence", spec, derSequence(), "has no PKCS #8 version"},
		{"trailing bytes", spec, append(ec[:len(ec):len(ec)], 0, 0), "has something after its PKCS #8"},
		{"two keys", spec, append(ec[:len(ec):len(ec)], ec...), "has something after its PKCS #8"},
		{"a member too many", spec, derPKCS8(algorithm, parts.privateKey, derZero), "something after the private key in its PKCS #8"},
		{"attributes twice", spec, derPKCS8(algorithm, parts.privateKey, derTagged(0), derTagged(0)), "something after the private key in its PKCS #8"},
		{"a public key of RFC 5958", spec, derPKCS8(algorithm, parts.privateKey, derElement(0x81, []byte{0, 4})), "something after the private key in its PKCS #8"},
		{"PKCS #8 version 1", spec, derSequence([]byte{2, 1, 1}, algorithm, derOctets(parts.privateKey)), "PKCS #8 version 1, not 0"},
		{"a negative version", spec, derSequence([]byte{2, 1, 0xff}, algorithm, derOctets(parts.privateKey)), "no PKCS #8 version"},
		{"no algorithm", spec, derSequence(derZero, derSequence(), derOctets(parts.privateKey)), "names no algorithm"},
		{"two parameters", spec, derPKCS8(derSequence(derOID(parts.algorithm...), parts.parameters, derNull), parts.privateKey), "after the parameters"},
		{"no private key", spec, derSequence(derZero, algorithm), "no private key in its PKCS #8"},
		{"a private key in a BIT STRING", spec, derSequence(derZero, algorithm, derBits(parts.privateKey)), "no private key in its PKCS #8"},
		{"PKCS #1", "RSA_2048", rsa.pkcs1(0), "it may be PKCS #1"},
		{"SEC 1", spec, sec1, "PKCS #8 version 1, not 0"},
		{"an encrypted key", spec, encrypted, "no PKCS #8 version: it may be"},
		{"a public key", spec, public, "no PKCS #8 version"},
		{"an RSA key for a curve", spec, rsa.pkcs8(), "too many for a key on the curve P-256"},
		{"a key on a curve for RSA", "RSA_2048", ec, "not RSA (1.2"},
		{"a key on another curve", spec, p384, "is on the curve 1.3.132.0.34, not on P-256"},
		{"Ed25519", spec, ed25519, "of the algorithm 1.3.101.112, not on an elliptic curve"},
		{"X25519", spec, x25519, "of the algorithm 1.3.101.110"},
		{"Diffie-Hellman", spec, dh, "of the algorithm 1.2.840.113549.1.3.1"},
		{"as long as any may be", spec, make([]byte, 8192), "is not PKCS #8 in DER or BER"},
		{"longer than any may be", spec, make([]byte, 8193), "has 8193 bytes, more than the longest key that can be imported"},
		{"longer than any may be, for RSA", "RSA_4096", make([]byte, 8193), "has 8193 bytes, more than the longest key that can be imported"},
	}
}

func mustPKCS8(t *testing.T, der []byte) pkcs8 {
	t.Helper()
	p, err := splitPKCS8(der)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
