package byok_test

import (
	"fmt"
	"testing"

	"github.com/keyhold/keyhold/byok"
)

func TestMaterialSizes(t *testing.T) {
	for spec, want := range map[string][2]int{
		"SYMMETRIC_DEFAULT": {32, 32}, "HMAC_224": {28, 128}, "HMAC_256": {32, 128}, "HMAC_384": {48, 128}, "HMAC_512": {64, 128},
		"RSA_2048": {}, "ECC_NIST_P256": {}, "ML_KEM_768": {}, "": {}, "symmetric_default": {},
	} {
		if least, most, err := byok.MaterialSizes(spec); least != want[0] || most != want[1] || (err == nil) != (most > 0) {
			t.Errorf("%q: %d to %d, %v", spec, least, most, err)
		} else if err != nil && err.Error() != fmt.Sprintf("byok: key material of the spec %q is not supported", spec) {
			t.Errorf("%q: %v", spec, err)
		}
	}
}
