package kmstest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/kmstest"
)

// A ciphertext of one server opens on another server with the same key.
func TestSeed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seed.toml")
	err := os.WriteFile(file, []byte(`
[[key]]
id = "11111111-1111-4111-8111-111111111111"
origin = "EXTERNAL"
aliases = ["alias/fixed"]
material = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := kmstest.Start(t, kmstest.Seed(file)).Client.Encrypt(t.Context(), &kms.EncryptInput{
		KeyId: aws.String("alias/fixed"), Plaintext: []byte("hello"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := kmstest.Start(t, kmstest.Seed(file))
	out, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: encrypted.CiphertextBlob})
	if err != nil || string(out.Plaintext) != "hello" {
		t.Fatal(out, err)
	}
	material := make([]byte, 32)
	for i := range material {
		material[i] = byte(i)
	}
	if want, err := byok.KeyMaterialID("11111111-1111-4111-8111-111111111111", material); err != nil || *out.KeyMaterialId != want {
		t.Errorf("key material %s, want %s (%v)", *out.KeyMaterialId, want, err)
	}
	if arn := "arn:aws:kms:us-east-1:" + kmstest.Account + ":key/11111111-1111-4111-8111-111111111111"; *out.KeyId != arn {
		t.Errorf("the key is %s, not %s", *out.KeyId, arn)
	}
	if _, err := kmstest.Start(t).Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: bytes.Clone(encrypted.CiphertextBlob)}); err == nil {
		t.Error("a server without the seed has the key too")
	}
}

// The client of a server uses the Region of the keys in the seed file.
func TestSeedRegion(t *testing.T) {
	const one, other = `
[[key]]
id = "11111111-1111-4111-8111-111111111111"
region = "eu-west-2"
aliases = ["alias/here"]
`, `
[[key]]
id = "22222222-2222-4222-8222-222222222222"
region = "eu-central-1"
aliases = ["alias/there"]
`
	for _, c := range []struct{ text, region, alias string }{
		{one, "eu-west-2", "alias/here"},
		{`region = "eu-central-1"` + one + other, "eu-central-1", "alias/there"},
		{one + other, kmstest.Region, ""},
		{"", kmstest.Region, ""},
	} {
		file := filepath.Join(t.TempDir(), "seed.toml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := kmstest.Start(t, kmstest.Seed(file))
		if s.Region != c.region || s.Client.Options().Region != c.region {
			t.Errorf("%s: %s, %s", c.text, s.Region, s.Client.Options().Region)
		}
		if _, err := s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &c.alias}); c.alias != "" && err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}
