package key

import (
	"fmt"
	"slices"
	"strings"
)

// suiteTable lists the usages of each spec and, for each usage, the supported origins, whether the key has a
// public half, and all algorithms. Sources: CreateKey and "Key spec reference" in the API reference and the
// developer guide. Specs that the documentation of ImportKeyMaterial does not list support only the origin
// AWS_KMS.
const suiteTable = `
spec                   usage                    origins           public  algorithms
SYMMETRIC_DEFAULT      ENCRYPT_DECRYPT          AWS_KMS,EXTERNAL  no      SYMMETRIC_DEFAULT
RSA_2048               ENCRYPT_DECRYPT          AWS_KMS,EXTERNAL  yes     RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256
RSA_2048               SIGN_VERIFY              AWS_KMS,EXTERNAL  yes     RSASSA_PKCS1_V1_5_SHA_256,RSASSA_PKCS1_V1_5_SHA_384,RSASSA_PKCS1_V1_5_SHA_512,RSASSA_PSS_SHA_256,RSASSA_PSS_SHA_384,RSASSA_PSS_SHA_512
RSA_3072               ENCRYPT_DECRYPT          AWS_KMS,EXTERNAL  yes     RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256
RSA_3072               SIGN_VERIFY              AWS_KMS,EXTERNAL  yes     RSASSA_PKCS1_V1_5_SHA_256,RSASSA_PKCS1_V1_5_SHA_384,RSASSA_PKCS1_V1_5_SHA_512,RSASSA_PSS_SHA_256,RSASSA_PSS_SHA_384,RSASSA_PSS_SHA_512
RSA_4096               ENCRYPT_DECRYPT          AWS_KMS,EXTERNAL  yes     RSAES_OAEP_SHA_1,RSAES_OAEP_SHA_256
RSA_4096               SIGN_VERIFY              AWS_KMS,EXTERNAL  yes     RSASSA_PKCS1_V1_5_SHA_256,RSASSA_PKCS1_V1_5_SHA_384,RSASSA_PKCS1_V1_5_SHA_512,RSASSA_PSS_SHA_256,RSASSA_PSS_SHA_384,RSASSA_PSS_SHA_512
ECC_NIST_P256          SIGN_VERIFY              AWS_KMS,EXTERNAL  yes     ECDSA_SHA_256
ECC_NIST_P256          KEY_AGREEMENT            AWS_KMS,EXTERNAL  yes     ECDH
ECC_NIST_P384          SIGN_VERIFY              AWS_KMS,EXTERNAL  yes     ECDSA_SHA_384
ECC_NIST_P384          KEY_AGREEMENT            AWS_KMS,EXTERNAL  yes     ECDH
ECC_NIST_P521          SIGN_VERIFY              AWS_KMS,EXTERNAL  yes     ECDSA_SHA_512
ECC_NIST_P521          KEY_AGREEMENT            AWS_KMS,EXTERNAL  yes     ECDH
ECC_SECG_P256K1        SIGN_VERIFY              AWS_KMS,EXTERNAL  yes     ECDSA_SHA_256
ECC_NIST_EDWARDS25519  SIGN_VERIFY              AWS_KMS           yes     ED25519_PH_SHA_512,ED25519_SHA_512
HMAC_224               GENERATE_VERIFY_MAC      AWS_KMS,EXTERNAL  no      HMAC_SHA_224
HMAC_256               GENERATE_VERIFY_MAC      AWS_KMS,EXTERNAL  no      HMAC_SHA_256
HMAC_384               GENERATE_VERIFY_MAC      AWS_KMS,EXTERNAL  no      HMAC_SHA_384
HMAC_512               GENERATE_VERIFY_MAC      AWS_KMS,EXTERNAL  no      HMAC_SHA_512
ML_DSA_44              SIGN_VERIFY              AWS_KMS           yes     ML_DSA_SHAKE_256
ML_DSA_65              SIGN_VERIFY              AWS_KMS           yes     ML_DSA_SHAKE_256
ML_DSA_87              SIGN_VERIFY              AWS_KMS           yes     ML_DSA_SHAKE_256
ML_KEM_512             ENCAPSULATE_DECAPSULATE  AWS_KMS           yes     ML_KEM
ML_KEM_768             ENCAPSULATE_DECAPSULATE  AWS_KMS           yes     ML_KEM
ML_KEM_1024            ENCAPSULATE_DECAPSULATE  AWS_KMS           yes     ML_KEM
`

// SuiteTable returns the table as text, for the documentation.
func SuiteTable() string { return strings.TrimSpace(suiteTable) }

// A Suite is what keys of one spec and usage support.
type Suite struct {
	Spec       Spec
	Usage      Usage
	Origins    []Origin // supported origins of the material
	Public     bool     // the key has a public half
	Algorithms []string // sorted
}

// suites is suiteTable, parsed. Nothing writes to it.
var suites = parseSuites(suiteTable)

// parseSuites parses a suite table. It panics if the table is malformed.
func parseSuites(table string) (all []Suite) {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		if len(f) != 5 || f[3] != "yes" && f[3] != "no" {
			panic(fmt.Sprintf("key: not a line of the table of suites: %q", line))
		}
		s := Suite{Spec: Spec(f[0]), Usage: Usage(f[1]), Public: f[3] == "yes", Algorithms: strings.Split(f[4], ",")}
		for origin := range strings.SplitSeq(f[2], ",") {
			s.Origins = append(s.Origins, Origin(origin))
		}
		all = append(all, s)
	}
	return all
}

// Suites returns the suites of the spec, one for each usage. It returns none for an unsupported spec.
func Suites(spec Spec) (of []Suite) {
	for _, s := range suites {
		if s.Spec == spec {
			of = append(of, s)
		}
	}
	return of
}

// Suite returns the suite of the key's spec and usage.
func (k Key) Suite() Suite {
	s, _ := suiteOf(k.Spec, k.Usage)
	return s
}

func suiteOf(spec Spec, usage Usage) (Suite, bool) {
	for _, s := range suites {
		if s.Spec == spec && s.Usage == usage {
			return s, true
		}
	}
	return Suite{}, false
}

// Importable reports whether keys of this suite can have imported material.
func (s Suite) Importable() bool { return slices.Contains(s.Origins, OriginExternal) }

// ChooseSuite returns the Suite of a new key, or the API's Error. An empty usage means that the request has
// none, which is allowed for SYMMETRIC_DEFAULT only.
func ChooseSuite(spec Spec, usage Usage, origin Origin) (Suite, error) {
	if usage == "" && spec != SymmetricDefault {
		return Suite{}, Errorf(KindValidation, "You must specify a KeyUsage value for all KMS keys except for symmetric "+
			"encryption keys.")
	}
	if usage == "" {
		usage = EncryptDecrypt
	}
	if len(Suites(spec)) == 0 {
		return Suite{}, Errorf(KindUnsupportedOperation, "Keys of the spec %s are not supported.", spec)
	}
	s, ok := suiteOf(spec, usage)
	switch {
	case !ok:
		return Suite{}, Errorf(KindValidation, "KeyUsage %s is not compatible with KeySpec %s", usage, spec)
	case !slices.Contains(s.Origins, origin):
		return Suite{}, Errorf(KindUnsupportedOperation, "Keys of the spec %s cannot have the origin %s.", spec, origin)
	}
	return s, nil
}

// Use returns an InvalidKeyUsageException unless the key has the usage that the operation requires and supports
// the algorithm.
func (k Key) Use(operation string, usage Usage, algorithm string) error {
	switch {
	case k.Usage != usage:
		return Errorf(KindInvalidKeyUsage, "%s key usage is %s which is not valid for %s.", k.ARN(), k.Usage, operation)
	case !slices.Contains(k.Suite().Algorithms, algorithm):
		return Errorf(KindInvalidKeyUsage, "Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
	}
	return nil
}
