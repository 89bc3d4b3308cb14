package seed

import (
	"strings"
	"testing"
)

// Parse returns either an error with a line or a file that satisfies the rules.
func FuzzParse(f *testing.F) {
	f.Add(one("expires_in_days = 1\ntags.a = \"1\"\n[key.tags]\nb = '''x'''\n"))
	f.Add("region = \"eu-west-2\"\n" + bare("aliases = [\"alias/a\"]\n[[key]]\n"))
	f.Add(bare("key_spec = \"HMAC_384\"\nkey_usage = \"GENERATE_VERIFY_MAC\"\nmaterial = \"" + material + material + "\"\n"))
	f.Add("key = [{ id = \"" + id + "\", tags = { a = 1 } }]")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("seed.toml", []byte(text), defaults)
		if err != nil && !strings.HasPrefix(err.Error(), "seed.toml:") {
			t.Errorf("an error without a place: %v", err)
		}
		for _, k := range file.Keys {
			if n := len(k.Request.KeyMaterial); len(*k.Request.KeyId) != 36 || n > 8192 || k.place.line < 1 {
				t.Errorf("%+v", k)
			}
		}
	})
}
