// Package fips says what a server in FIPS mode allows.
//
// Go's FIPS 140-3 module decides which implementations of algorithms run. This package decides which algorithms,
// specs and custodies a server offers: only those that the module implements as approved security functions.
package fips

import (
	"crypto/fips140"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// table lists all that is allowed. A name that it does not have is refused. Names of key specs are also names of
// data key pairs and wrapping keys. The standards are those that NIST SP 800-140C and 800-140D approve.
const table = `
kind         name                       standard
key spec     SYMMETRIC_DEFAULT          AES-256-GCM, SP 800-38D; key derivation, SP 800-56C
key spec     RSA_2048                   RSA, FIPS 186-5 and SP 800-56B
key spec     RSA_3072                   RSA, FIPS 186-5 and SP 800-56B
key spec     RSA_4096                   RSA, FIPS 186-5 and SP 800-56B
key spec     ECC_NIST_P256              SP 800-186
key spec     ECC_NIST_P384              SP 800-186
key spec     ECC_NIST_P521              SP 800-186
key spec     ECC_NIST_EDWARDS25519      SP 800-186
key spec     HMAC_224                   FIPS 198-1
key spec     HMAC_256                   FIPS 198-1
key spec     HMAC_384                   FIPS 198-1
key spec     HMAC_512                   FIPS 198-1
key spec     ML_KEM_768                 FIPS 203
key spec     ML_KEM_1024                FIPS 203
data key     AES_128                    random bytes, SP 800-90A
data key     AES_256                    random bytes, SP 800-90A
algorithm    SYMMETRIC_DEFAULT          AES-256-GCM, SP 800-38D
algorithm    RSAES_OAEP_SHA_256         SP 800-56B
algorithm    RSASSA_PKCS1_V1_5_SHA_256  FIPS 186-5
algorithm    RSASSA_PKCS1_V1_5_SHA_384  FIPS 186-5
algorithm    RSASSA_PKCS1_V1_5_SHA_512  FIPS 186-5
algorithm    RSASSA_PSS_SHA_256         FIPS 186-5
algorithm    RSASSA_PSS_SHA_384         FIPS 186-5
algorithm    RSASSA_PSS_SHA_512         FIPS 186-5
algorithm    ECDSA_SHA_256              FIPS 186-5
algorithm    ECDSA_SHA_384              FIPS 186-5
algorithm    ECDSA_SHA_512              FIPS 186-5
algorithm    ED25519_SHA_512            FIPS 186-5
algorithm    ED25519_PH_SHA_512         FIPS 186-5
algorithm    HMAC_SHA_224               FIPS 198-1
algorithm    HMAC_SHA_256               FIPS 198-1
algorithm    HMAC_SHA_384               FIPS 198-1
algorithm    HMAC_SHA_512               FIPS 198-1
algorithm    ECDH                       SP 800-56A
algorithm    ML_KEM                     FIPS 203
custody      key-file                   AES-256-GCM, SP 800-38D; key derivation, SP 800-56C
custody      passphrase                 PBKDF2 with HMAC-SHA-256, SP 800-132
custody      awskms                     a key of another KMS, and AES-256-GCM, SP 800-38D
custody      pkcs11                     AES or RSA-OAEP with SHA-256 of a token, and AES-256-GCM, SP 800-38D
recipient    mlkem1024                  FIPS 203, and HKDF, SP 800-56C
recipient    mlkem768                   FIPS 203, and HKDF, SP 800-56C
recipient    p384                       SP 800-56A, and HKDF, SP 800-56C
recipient    p256                       SP 800-56A, and HKDF, SP 800-56C
recovery     MLKEM768-P256              FIPS 203 with SP 800-56A, and HKDF, SP 800-56C
`

// Table returns the table as text, for the documentation.
func Table() string { return strings.TrimSpace(table) }

// allowed has the names of the table, by kind. Nothing writes to it.
var allowed = parse(table)

// parse parses the table. It panics if the table is malformed.
func parse(table string) map[string][]string {
	names := map[string][]string{}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	at := strings.Index(lines[0], "name")
	end := strings.Index(lines[0], "standard")
	for _, line := range lines[1:] {
		if len(line) <= end || line[at-1] != ' ' || line[end-1] != ' ' {
			panic(fmt.Sprintf("fips: not a line of the table: %q", line))
		}
		kind := strings.TrimSpace(line[:at])
		names[kind] = append(names[kind], strings.TrimSpace(line[at:end]))
	}
	return names
}

// Algorithm reports whether a key spec, a data key or an algorithm of the API is allowed.
func Algorithm(name string) bool {
	return slices.Contains(allowed["key spec"], name) || slices.Contains(allowed["data key"], name) ||
		slices.Contains(allowed["algorithm"], name)
}

// CheckCustody refuses a kind of custody that is not allowed.
func CheckCustody(kind string) error {
	if slices.Contains(allowed["custody"], kind) {
		return nil
	}
	return fmt.Errorf("a custody of the kind %s is not allowed with --fips: take one of %s (docs/fips.md)", kind,
		strings.Join(allowed["custody"], ", "))
}

// ErrNoModule means that the program runs without Go's FIPS 140-3 module.
var ErrNoModule = errors.New("--fips needs the program that make fips builds: this one runs without Go's FIPS 140-3 " +
	"module (docs/fips.md)")

// CheckModule returns ErrNoModule unless the program runs with Go's FIPS 140-3 module.
func CheckModule() error {
	if !fips140.Enabled() {
		return ErrNoModule
	}
	return nil
}

// Module returns the version of Go's FIPS 140-3 module, or "" if the program runs without it.
func Module() string {
	if !fips140.Enabled() {
		return ""
	}
	return fips140.Version()
}
