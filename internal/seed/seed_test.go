package seed

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var defaults = Defaults{Account: "111122223333", Region: "us-east-1"}

const (
	id       = "11111111-1111-4111-8111-111111111111"
	otherID  = "22222222-2222-4222-8222-222222222222"
	material = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
)

// one returns a file with one valid EXTERNAL key with material, followed by lines, which begin in line 5.
func one(lines string) string {
	return "[[key]]\nid = \"" + id + "\"\norigin = \"EXTERNAL\"\nmaterial = \"" + material + "\"\n" + lines
}

// bare returns a file with one key that has only an ID, followed by lines, which begin in line 3.
func bare(lines string) string { return "[[key]]\nid = \"" + id + "\"\n" + lines }

func TestParse(t *testing.T) {
	f, err := Parse("seed.toml", []byte(`
region = "eu-west-2"
[[key]]
id = "`+id+`"
description = "d"
origin = "EXTERNAL"
aliases = ["alias/a", "alias/b"]
tags = { b = "2", a = "1" }
material = "`+material+`"
expires = 2030-01-31T12:00:00+01:00
enabled = false
[[key]]
id = "`+otherID+`"
account = "444455556666"
region = "us-west-2"
tags.team = "x"
`), defaults)
	if err != nil || len(f.Keys) != 2 {
		t.Fatal(f, err)
	}
	k, other := f.Keys[0], f.Keys[1]
	in := k.Request
	var bytes32 [32]byte
	for i := range bytes32 {
		bytes32[i] = byte(i)
	}
	if *in.KeyId != id || k.Account != defaults.Account || k.Region != "eu-west-2" || *in.Description != "d" || *in.Origin != "EXTERNAL" ||
		len(k.Aliases) != 2 || *in.Tags[0].TagKey != "a" || *in.Tags[1].TagValue != "2" || !bytes.Equal(in.KeyMaterial, bytes32[:]) ||
		!in.ValidTo.Time().Equal(time.Date(2030, 1, 31, 11, 0, 0, 0, time.UTC)) || *in.Enabled {
		t.Errorf("%+v", k)
	}
	in = other.Request
	if other.Account != "444455556666" || other.Region != "us-west-2" || *in.Origin != "AWS_KMS" || *in.Tags[0].TagKey != "team" ||
		in.Description != nil || in.KeyMaterial != nil || in.ValidTo != nil || in.ValidityDays != nil || in.Enabled != nil {
		t.Errorf("%+v", other)
	}
	if f, err := Parse("seed.toml", nil, defaults); err != nil || len(f.Keys) != 0 {
		t.Errorf("an empty file: %+v, %v", f, err)
	}
}

// Private keys are read in the forms of keyhold import, unless they are encrypted.
func TestPrivateKeys(t *testing.T) {
	const scalar = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	declared := func(spec, text string) ([]byte, error) {
		f, err := Parse("seed.toml", []byte(bare("key_spec = \""+spec+"\"\nkey_usage = \"SIGN_VERIFY\"\nmaterial = '''\n"+text+"'''\n")), defaults)
		if err != nil {
			return nil, err
		}
		return f.Keys[0].Request.KeyMaterial, nil
	}
	want, err := declared("ECC_NIST_P256", encoded("PRIVATE KEY", pkcs8))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{encoded("EC PRIVATE KEY", sec1), base64.StdEncoding.EncodeToString(pkcs8)} {
		if got, err := declared("ECC_NIST_P256", text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if got, err := declared("ECC_SECG_P256K1", scalar); err != nil || len(got) == 0 {
		t.Errorf("the scalar that a wallet exports: %v", err)
	}
	for text, problem := range map[string]string{
		encoded("PRIVATE KEY", pkcs8):                    "it is a private key of the spec ECC_NIST_P256, and the key is of the spec ECC_NIST_P384",
		strings.Repeat(encoded("PRIVATE KEY", pkcs8), 2): "private keys",
		encryptedPEM: "the private key is encrypted, and a seed file has no passphrase",
	} {
		if _, err := declared("ECC_NIST_P384", text); err == nil || !strings.Contains(err.Error(), ":5: material: ") || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		// TOML
		{"no TOML", "[[key]]\nid =\n", ":2: "},
		{"string without quotes", bare("origin = EXTERNAL\n"), ":3: unexpected character"},
		{"string not closed", bare("origin = \"EXTERNAL\n"), ":3: basic strings cannot have new lines"},
		{"member twice", bare("id = \"" + id + "\"\n"), ":3: id is defined twice: remove one of the two"},
		{"tag twice", bare("[key.tags]\na = \"1\"\na = \"2\"\n"), ":5: a is defined twice: remove one of the two"},

		// members and types
		{"unknown in the file", "regions = \"x\"\n", `:1: unknown member "regions": the members are region, account, key, policy, oidc_provider, role, user`},
		{"unknown in the file, by case", "Region = \"eu-west-2\"\n", `:1: unknown member "Region": the members are region, account, key, policy, oidc_provider, role, user`},
		{"unknown in a key", bare("alias = \"alias/a\"\n"), `:3: unknown member "alias": the members are id, account, region, description, key_spec, key_usage, origin, aliases, tags, material, expires, expires_in_days, enabled`},
		{"unknown in a key, by case", bare("Origin = \"EXTERNAL\"\n"), `:3: unknown member "Origin": `},
		{"unknown table", bare("[[keys]]\n"), `:3: unknown member "keys": the members are region, account, key, policy, oidc_provider, role, user`},
		{"unknown table, by case", "[[Key]]\nid = \"" + id + "\"\n", `:1: unknown member "Key"`},
		{"unknown table of a key", bare("[key.policy]\n"), `:3: unknown member "policy"`},
		{"a table for keys", "[key]\nid = \"" + id + "\"\n", ":1: [key] is not part of a seed file: each key begins with [[key]]"},
		{"keys in a line", "key = [{ id = \"" + id + "\" }]\n", ":1: each key begins with a line of its own: [[key]]"},
		{"tags before a key", "[key.tags]\na = \"1\"\n", ":1: [tags] is not part of a seed file: each key begins with [[key]]"},
		{"number for a string", bare("origin = 5\n"), ":3: key.origin has the type integer, but must have the type string"},
		{"string for an array", bare("aliases = \"alias/a\"\n"), ":3: key.aliases has the type string, but must have the type array"},
		{"string for a boolean", bare("enabled = \"yes\"\n"), ":3: key.enabled has the type string, but must have the type boolean"},
		{"float for an integer", one("expires_in_days = 1.5\n"), ":5: key.expires_in_days has the type float, but must have the type integer"},
		{"number for a tag", bare("tags = { a = 1 }\n"), ":3: key.tags has the type integer, but must have the type string"},
		{"a number for accounts", "account = 1\n", ":1: account has the type integer, but must have the type table: write [[account]] above its members"},
		{"a number for policies", "[[user]]\nname = \"a\"\npolicy = 1\n", ":3: user.policy has the type integer, but must have the type table: write [[user.policy]] above its members"},
		{"a number for keys", "key = 1\n", ":1: key has the type integer, but must have the type table: write [[key]] above its members"},

		// names
		{"no ID", "\n[[key]]\norigin = \"EXTERNAL\"\n", ":2: id: it is missing: give the key one, such as"},
		{"no UUID", "[[key]]\nid = \"payroll\"\n", ":2: id: 'payroll' is not a key ID: give the 36 characters"},
		{"a cut multi-Region ID", "[[key]]\nid = \"mrk-1234abcd12ab34cd56ef1234567890a\"\n", ":2: id: 'mrk-1234abcd12ab34cd56ef1234567890a' is not a key ID"},
		{"an ID twice", bare("[[key]]\nid = \"" + id + "\"\n"), ":4: id: the key in line 1 has the same ID: give each key its own"},
		{"an account of letters", bare("account = \"me\"\n"), `:3: account: "me" is not an account ID: give 12 digits`},
		{"no Region", bare("region = \"Frankfurt\"\n"), `:3: region: "Frankfurt" is not a Region: write it as us-east-1`},
		{"no Region in the file", "region = \"Frankfurt\"\n" + bare(""), `:2: region: "Frankfurt" is not a Region`},
		{"an origin that is not served", bare("origin = \"AWS_CLOUDHSM\"\n"), `:3: origin: "AWS_CLOUDHSM" is not supported: give AWS_KMS or EXTERNAL`},
		{"a long description", bare("description = \"" + strings.Repeat("ü", 8193) + "\"\n"), ":3: description: it is longer than 8192 characters: shorten it"},
		{"an alias without prefix", bare("aliases = [\"payroll\"]\n"), `:3: aliases: "payroll": Alias must start with the prefix "alias/".`},
		{"a reserved alias", bare("aliases = [\n  \"alias/a\",\n  \"alias/aws/kms\",\n]\n"), `:3: aliases: "alias/aws/kms": The alias name must not begin with 'alias/aws/'`},
		{"a long alias", bare("aliases = [\"alias/" + strings.Repeat("a", 251) + "\"]\n"), "is longer than 256 characters: shorten it"},
		{"an alias twice in a key", bare("aliases = [\"alias/a\", \"alias/a\"]\n"), `:3: aliases: "alias/a" is already an alias of the key in line 1: remove it from one of the two`},
		{"an alias twice", bare("aliases = [\"alias/a\"]\n[[key]]\nid = \"" + otherID + "\"\naliases = [\"alias/b\", \"alias/a\"]\n"), `:6: aliases: "alias/a" is already an alias of the key in line 1`},
		{"51 aliases", bare("aliases = [" + strings.Repeat("\"alias/a\",", 51) + "]\n"), ":3: aliases: there are 51, and a key can have 50: remove some"},
		{"a reserved tag", bare("tags = { \"aws:a\" = \"1\" }\n"), ":3: tags: Tags beginning with aws: are reserved"},
		{"an empty tag key", bare("[key.tags]\n\"\" = \"1\"\n"), `:3: tags: the tag key "" must have 1 to 128 characters`},
		{"a long tag", bare("tags = { a = \"" + strings.Repeat("a", 257) + "\" }\n"), `:3: tags: the value of "a" is longer than 256 characters: shorten it`},

		// material
		{"no material at all", bare("material = \"\"\n"), ":3: material: it has 0 bytes, not 32: give 32 bytes: 64 hexadecimal digits, or base64"},
		{"a byte short", bare("material = \"" + material[2:] + "\"\n"), ":3: material: it has 31 bytes, not 32"},
		{"a byte long", bare("material = \"" + material + "00\"\n"), ":3: material: it has 33 bytes, not 32"},
		{"16 bytes in base64", bare("material = \"AAECAwQFBgcICQoLDA0ODw==\"\n"), ":3: material: it has 16 bytes, not 32"},
		{"a digit short", bare("material = \"" + material[1:] + "\"\n"), ":3: material: it is neither hexadecimal digits nor base64"},
		{"base64 with a stray bit", bare("material = \"//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eB=\"\n"), ":3: material: it is neither"},
		{"a file name", bare("material = \"key.bin\"\n"), ":3: material: it is neither"},

		// spec and usage
		{"no spec", bare("key_spec = \"RSA_1024\"\n"), `:3: key_spec: "RSA_1024" is not a supported key spec: docs/api.md lists them`},
		{"a spec of two usages", bare("key_spec = \"RSA_2048\"\n"), ":1: key_usage: it is missing: a key of the spec RSA_2048 is for ENCRYPT_DECRYPT or for SIGN_VERIFY"},
		{"the usage of another spec", bare("key_spec = \"HMAC_256\"\nkey_usage = \"SIGN_VERIFY\"\n"), `:4: key_usage: "SIGN_VERIFY" is not a usage of the spec HMAC_256: give GENERATE_VERIFY_MAC`},
		{"a usage without a spec", bare("key_usage = \"SIGN_VERIFY\"\n"), `:3: key_usage: "SIGN_VERIFY" is not a usage of the spec SYMMETRIC_DEFAULT: give ENCRYPT_DECRYPT`},
		{"a spec without import", bare("key_spec = \"ML_DSA_44\"\norigin = \"EXTERNAL\"\n"), ":4: origin: keys of the spec ML_DSA_44 cannot have the origin EXTERNAL: remove origin"},
		{"material of such a spec", bare("key_spec = \"ML_DSA_44\"\nmaterial = \"" + material + "\"\n"), ":4: material: only the server generates material of the spec ML_DSA_44: remove material"},
		{"a short HMAC key", bare("key_spec = \"HMAC_384\"\nmaterial = \"" + material + "\"\n"), ":4: material: it has 32 bytes, not 48 to 128: give 48 to 128 bytes: 96 hexadecimal digits"},
		{"a long HMAC key", bare("key_spec = \"HMAC_224\"\nmaterial = \"" + strings.Repeat(material, 5) + "\"\n"), ":4: material: it has 160 bytes, not 28 to 128"},
		{"bytes for an RSA key", bare("key_spec = \"RSA_2048\"\nkey_usage = \"SIGN_VERIFY\"\nmaterial = \"" + material + "\"\n"), ":5: material: it holds no private key"},
		{"a damaged private key", bare("key_spec = \"ECC_SECG_P256K1\"\nmaterial = '''\n-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n'''\n"), ":4: material: "},
		{"no private key", bare("key_spec = \"ECC_SECG_P256K1\"\nmaterial = \"key.bin\"\n"), ":4: material: it holds no private key"},

		// expiry and state
		{"expiry without material", bare("origin = \"EXTERNAL\"\nexpires_in_days = 1\n"), ":4: expires_in_days: only material can expire, and this file gives none for the key: add material, or remove expires_in_days"},
		{"expiry of generated material", bare("material = \"" + material + "\"\nexpires = 2030-01-31T12:00:00Z\n"), `:4: expires: only imported material expires: give origin = "EXTERNAL", or remove expires`},
		{"both", one("expires_in_days = 1\nexpires = 2030-01-31T12:00:00Z\n"), ":6: expires: expires_in_days is present too: keep one of the two"},
		{"a date", one("expires = 2030-01-31\n"), ":5: expires: it is not a date and time with an offset: write it without quotes as 2030-01-31T12:00:00Z"},
		{"a time of nowhere", one("expires = 2030-01-31T12:00:00\n"), ":5: expires: it is not a date and time with an offset"},
		{"a time in quotes", one("expires = \"2030-01-31T12:00:00Z\"\n"), ":5: expires: it is not a date and time with an offset"},
		{"no days", one("expires_in_days = 0\n"), ":5: expires_in_days: 0 is not a number of days from 1 to 365"},
		{"a year and a day", one("expires_in_days = 366\n"), ":5: expires_in_days: 366 is not a number of days from 1 to 365"},
		{"days beyond an int32", one("expires_in_days = 4294967297\n"), ":5: "},
		{"enabled without material", bare("origin = \"EXTERNAL\"\nenabled = true\n"), ":4: enabled: a key of origin EXTERNAL without material is pending import"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("seed.toml", []byte(c.text), defaults)
			if err == nil || !strings.HasPrefix(err.Error(), "seed.toml:") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), material[8:40]) || strings.Contains(err.Error(), "79/Pv6") || strings.Contains(err.Error(), "key.bin")) {
				t.Errorf("the error repeats material: %v", err)
			}
		})
	}
}

// Names that must be unique are unique within an account and Region.
func TestScopesAreApart(t *testing.T) {
	text := bare("aliases = [\"alias/a\"]\n")
	for _, other := range []string{"region = \"eu-west-2\"\n", "account = \"444455556666\"\n"} {
		if _, err := Parse("seed.toml", []byte(text+text+other), defaults); err != nil {
			t.Errorf("%s: %v", other, err)
		}
	}
}

func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seed.toml")
	if _, err := Read(file, defaults); err == nil || err.Error() != file+" cannot be read: no such file or directory" {
		t.Errorf("no file: %v", err)
	}
	if err := os.WriteFile(file, []byte(one("")), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(file, defaults); err != nil || len(f.Keys) != 1 {
		t.Errorf("%v, %v", f, err)
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte("#"), maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file, defaults); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("a large file: %v", err)
	}
}

// encryptedPEM is a private key of openssl genpkey -aes256.
const encryptedPEM = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjAYwI+Z0Tp4AICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHclCp4/BLdvjnpoWhotTYEEgZDF
A51e2kSBvmJ1TarKzSPFZaPBPazVIB8oDaS0gBfHW+N7yn1UjZO8OeD9NxlIYxtG
d+6ieaiCv0rgPvRPoWKyM5FDUTxDBsbJy/5Nd7T1vvwglwenBUMCdUFiQ510BNH2
B2wGpZamPtxaODifRUX1tqFHHhx4Q8pGvr+C9/rwcA7LwatZhanJB1nT0US7yDE=
-----END ENCRYPTED PRIVATE KEY-----
`
