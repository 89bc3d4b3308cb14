package key

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// wrappings lists the wrapping keys with which each wrapping algorithm can wrap material of a key spec: "all",
// "none", or all except one. Source: GetParametersForImport in the API reference. RSA_AES_KEY_WRAP is
// documented for RSA and ECC material only. RSAES_OAEP has no room for RSA private keys, nor for a P521 key
// under RSA_2048. AWS ended support for RSAES_PKCS1_V1_5 in October 2023. SM2PKE is for the China Regions only.
//
// Specs that the table does not list cannot have imported material.
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

// wrappingKeys are the specs that "all" means. SM2 is excluded, because it exists in the China Regions only.
var wrappingKeys = [...]string{"RSA_2048", "RSA_3072", "RSA_4096"}

// Wrappings is the parsed table of wrappings.
type Wrappings map[wrappingCell]bool

type wrappingCell struct {
	spec                       Spec
	algorithm, wrappingKeySpec string
}

// ParseWrappings parses the table. It panics if the table is malformed.
func ParseWrappings() Wrappings { return parseWrappings(wrappings) }

func parseWrappings(table string) Wrappings {
	w := Wrappings{}
	lines := strings.Split(strings.TrimSpace(table), "\n")
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

// Only returns the wrappings with an approved algorithm under a wrapping key of an approved spec. It returns all if
// approved is nil.
func (w Wrappings) Only(approved func(name string) bool) Wrappings {
	if approved == nil {
		return w
	}
	only := maps.Clone(w)
	maps.DeleteFunc(only, func(c wrappingCell, _ bool) bool {
		return !approved(c.algorithm) || !approved(c.wrappingKeySpec)
	})
	return only
}

// supports reports whether the algorithm wraps material of any spec.
func (w Wrappings) supports(algorithm string) bool {
	for cell := range w {
		if cell.algorithm == algorithm {
			return true
		}
	}
	return false
}

// Permit returns an Error unless material of the key may be wrapped with the algorithm under the wrapping key
// spec. If the service supports both for other material, the Error is the one that the service was seen to
// return.
func (w Wrappings) Permit(k Key, algorithm, wrappingKeySpec string) error {
	switch {
	case w[wrappingCell{k.Spec, algorithm, wrappingKeySpec}]:
		return nil
	case !w.supports(algorithm) || !slices.Contains(wrappingKeys[:], wrappingKeySpec):
		return Errorf(KindUnsupportedOperation, "Wrapping algorithm %s with wrapping key spec %s is not supported.",
			algorithm, wrappingKeySpec)
	}
	return Errorf(KindValidation, "Wrapping algorithm %s and wrapping key spec %s cannot be used to import a %s key.",
		algorithm, wrappingKeySpec, k.Spec)
}
