package integrity

import (
	"regexp"
	"testing"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Verify opens material of each spec. It finds sealed bytes that are not material of the spec,
// and a key that no operation can create.
func TestVerifyOpensMaterialOfEachSpec(t *testing.T) {
	w := newDamageTest(t)
	put := func(spec key.Spec, usage key.Usage, material []byte) key.Key {
		k := w.newKey(key.OriginAWSKMS)
		k.Spec, k.Usage = spec, usage
		m, err := w.material(k, material)
		w.must(err)
		k, err = k.ImportMaterial(m, nil)
		w.must(err)
		w.update(func(tx *store.Tx) error { return records.InsertKey(tx, k, records.TextLevel-1) })
		return k
	}
	specs := []key.Spec{"RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519",
		"HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"}
	for _, spec := range specs {
		for _, suite := range key.Suites(spec) {
			material, err := crypt.Generate(string(spec))
			w.must(err)
			put(spec, suite.Usage, material)
		}
	}
	if findings, s, err := w.verify(); err != nil || len(findings) > 0 || s.Materials < len(specs) {
		t.Fatalf("found %q, %d materials, %v", findings, s.Materials, err)
	}
	for _, spec := range specs {
		k := put(spec, key.Suites(spec)[0].Usage, []byte("no form or size"))
		wantOneFinding(t, w, `^key/`+records.PathOf(k)+`: material [0-9a-f]{64}: crypt: not key material of the spec `+string(spec))
		w.alter("key/"+records.PathOf(k), remove)
		w.alter("key-text/"+records.PathOf(k), remove)
		w.must(w.slots.Erase(t.Context(), k.Slots()...))
	}
	material, err := crypt.Generate("ECC_SECG_P256K1")
	w.must(err)
	k := put("ECC_SECG_P256K1", key.KeyAgreement, material)
	wantOneFinding(t, w, `^key/`+records.PathOf(k)+`: .*KeyUsage KEY_AGREEMENT is not compatible with KeySpec ECC_SECG_P256K1`)
}

func wantOneFinding(t *testing.T, w *damageTest, pattern string) {
	t.Helper()
	findings, _, err := w.verify()
	if err != nil || len(findings) != 1 || !regexp.MustCompile(pattern).MatchString(findings[0]) {
		t.Errorf("found %q, %v, want %s", findings, err, pattern)
	}
}
