package key

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// wantedWrappings is the API's table, written independently of wrappings: key specs, followed by what may wrap
// them as ALGORITHM/WRAPPING KEY SPEC with patterns.
const wantedWrappings = `
SYMMETRIC_DEFAULT, HMAC_224, HMAC_256, HMAC_384, HMAC_512: OAEP 2048 3072 4096
ECC_NIST_P256, ECC_NIST_P384, ECC_SECG_P256K1: OAEP 2048 3072 4096 AES 2048 3072 4096
ECC_NIST_P521: OAEP 3072 4096 AES 2048 3072 4096
RSA_2048, RSA_3072, RSA_4096: AES 2048 3072 4096
SM2, ML_DSA_44, ML_DSA_65, ML_DSA_87, ML_KEM_512, ML_KEM_768, ML_KEM_1024, ECC_NIST_EDWARDS25519:
`

// TestWrappings compares every spec, algorithm and wrapping key with the API's table.
func TestWrappings(t *testing.T) {
	w := ParseWrappings()
	families := map[string][]string{"OAEP": {"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}, "AES": {"RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"}}
	cells, permitted := 0, 0
	for line := range strings.Lines(strings.TrimSpace(wantedWrappings)) {
		specs, words, _ := strings.Cut(strings.TrimSpace(line), ":")
		var allowed []string
		var family string
		for _, word := range strings.Fields(words) {
			if families[word] != nil {
				family = word
				continue
			}
			for _, algorithm := range families[family] {
				allowed = append(allowed, algorithm+"/RSA_"+word)
			}
		}
		for _, spec := range strings.Split(specs, ", ") {
			for _, algorithm := range []string{"RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", "SM2PKE", "ROT13", ""} {
				for _, wrappingKey := range []string{"RSA_2048", "RSA_3072", "RSA_4096", "SM2", "RSA_1024", ""} {
					err := w.Permit(Key{Spec: Spec(spec)}, algorithm, wrappingKey)
					want := slices.Contains(allowed, algorithm+"/"+wrappingKey)
					e, refused := errors.AsType[*Error](err)
					kind := KindUnsupportedOperation
					if strings.HasPrefix(wrappingKey, "RSA_") && wrappingKey != "RSA_1024" && slices.Contains(slices.Concat(families["OAEP"], families["AES"]), algorithm) {
						kind = KindValidation // another wrapping is for the material
					}
					if want != (err == nil) || !want && (!refused || e.Kind != kind || !strings.Contains(e.Message, algorithm)) {
						t.Errorf("%s, %s, %s: %v", spec, algorithm, wrappingKey, err)
					}
					if cells++; want {
						permitted++
					}
				}
			}
		}
	}
	t.Attr("ran", fmt.Sprintf("%d cells of key specs, wrapping algorithms and wrapping keys", cells))
	if cells != 20*8*6 || permitted != 5*6+3*12+10+3*6 {
		t.Errorf("%d cells, %d permitted", cells, permitted)
	}
}

// The table of wrappings lists exactly the specs that suiteTable marks as importable.
func TestWrappingsAreOfImportableSpecs(t *testing.T) {
	w := ParseWrappings()
	wrapped := map[Spec]bool{}
	for cell := range w {
		wrapped[cell.spec] = true
	}
	importable := map[Spec]bool{}
	for _, s := range suites {
		if s.Importable() {
			importable[s.Spec] = true
		}
	}
	if !maps.Equal(wrapped, importable) {
		t.Errorf("wrapped are %v, importable %v", wrapped, importable)
	}
}
