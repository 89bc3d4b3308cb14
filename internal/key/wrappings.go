package key

import (
	"fmt"
	"strings"
)

// wrappings says under which wrapping keys each wrapping algorithm takes material
// of a key spec: "all", "none", or all but RSA_2048. Source: GetParametersForImport
// in the API reference. RSA_AES_KEY_WRAP is documented for RSA and ECC material only,
// RSA private keys are too long for RSAES_OAEP, and so is one on P521 for RSA_2048.
// RSAES_PKCS1_V1_5 ended in October 2023; SM2PKE is of the China Regions.
//
// Specs that are not here have no material that is imported.
const wrappings = `
key spec           RSAES_OAEP_SHA_1  RSAES_OAEP_SHA_256  RSA_AES_KEY_WRAP_SHA_1  RSA_AES_KEY_WRAP_SHA_256  RSAES_PKCS1_V1_5  SM2PKE
SYMMETRIC_DEFAULT  all               all                 none                    none                      none              none
HMAC_224           all               all                 none                    none                      none              none
HMAC_256           all               all                 none                    none                      none              none
HMAC_384           all               all                 none                    none                      none              none
HMAC_512           all               all                 none                    none                      none              none
RSA_2048           none              none                all                     all                       none              none
RSA_3072           none              none                all                     all                       none              none
RSA_4096           none              none                all                     all                       none              none
ECC_NIST_P256      all               all                 all                     all                       none              none
ECC_NIST_P384      all               all                 all                     all                       none              none
ECC_NIST_P521      not-RSA_2048      not-RSA_2048        all                     all                       none              none
ECC_SECG_P256K1    all               all                 all                     all                       none              none
`

// wrappingKeys are what "all" means: SM2 is of the China Regions, too.
var wrappingKeys = [...]string{"RSA_2048", "RSA_3072", "RSA_4096"}

// Wrappings are the parsed table of wrappings.
type Wrappings map[wrappingCell]bool

type wrappingCell struct {
	spec                       Spec
	algorithm, wrappingKeySpec string
}

// ParseWrappings reads the table. Broken text is a fault of the program and panics.
func ParseWrappings() Wrappings {
	w := Wrappings{}
	lines := strings.Split(strings.TrimSpace(wrappings), "\n")
	algorithms := strings.Fields(lines[0])[2:]
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) != 1+len(algorithms) {
			panic(fmt.Sprintf("key: the line of wrappings %q has %d cells, not %d", f[0], len(f)-1, len(algorithms)))
		}
		for i, word := range f[1:] {
			w.add(Spec(f[0]), algorithms[i], word)
		}
	}
	return w
}

func (w Wrappings) add(spec Spec, algorithm, word string) {
	but, isNot := strings.CutPrefix(word, "not-")
	if word != "all" && word != "none" && !isNot {
		panic(fmt.Sprintf("key: the wrappings of %s have the unknown word %q", spec, word))
	}
	for _, k := range wrappingKeys {
		if word == "all" || isNot && k != but {
			w[wrappingCell{spec, algorithm, k}] = true
		}
	}
}

// Permit tells whether material of the key may be wrapped so: nil or an Error.
func (w Wrappings) Permit(k Key, algorithm, wrappingKeySpec string) error {
	if w[wrappingCell{k.Spec, algorithm, wrappingKeySpec}] {
		return nil
	}
	return Errorf(KindUnsupportedOperation, "The wrapping algorithm %s with a wrapping key of the spec %s is not supported for key material of the spec %s.", algorithm, wrappingKeySpec, k.Spec)
}
