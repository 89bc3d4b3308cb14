package key

import (
	"fmt"
	"strconv"
	"strings"
)

// plaintextTable gives the largest plaintext in bytes. Source: Encrypt in the
// API reference.
const plaintextTable = `
spec               algorithm           most
SYMMETRIC_DEFAULT  SYMMETRIC_DEFAULT   4096
RSA_2048           RSAES_OAEP_SHA_1    214
RSA_2048           RSAES_OAEP_SHA_256  190
RSA_3072           RSAES_OAEP_SHA_1    342
RSA_3072           RSAES_OAEP_SHA_256  318
RSA_4096           RSAES_OAEP_SHA_1    470
RSA_4096           RSAES_OAEP_SHA_256  446
`

// plaintexts is the parsed table by spec and algorithm, which is never written to.
var plaintexts = parsePlaintexts(plaintextTable)

// parsePlaintexts reads the table. Broken text is a fault of the program and panics.
func parsePlaintexts(table string) map[[2]string]int {
	most := map[[2]string]int{}
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		n, err := strconv.Atoi(f[len(f)-1])
		if len(f) != 3 || err != nil {
			panic(fmt.Sprintf("key: not a line of the table of plaintexts: %q", line))
		}
		most[[2]string{f[0], f[1]}] = n
	}
	return most
}

// CheckPlaintext tells whether a plaintext of so many bytes is not too large for
// the algorithm under a key of the spec: nil, or ValidationException.
func CheckPlaintext(spec Spec, algorithm string, size int) error {
	if most := plaintexts[[2]string{string(spec), algorithm}]; size > most {
		return Errorf(KindValidation, "Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm, spec, most)
	}
	return nil
}
