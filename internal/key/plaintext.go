package key

import (
	"fmt"
	"strconv"
	"strings"
)

// plaintextTable lists the largest plaintext in bytes. Source: Encrypt in the API reference.
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

// plaintexts is plaintextTable, parsed, by spec and algorithm. Nothing writes to it.
var plaintexts = parsePlaintexts(plaintextTable)

// parsePlaintexts parses a plaintext table. It panics if the table is malformed.
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

// CheckPlaintext returns a ValidationException if a plaintext of size bytes is too large for the algorithm
// under a key of the spec.
func CheckPlaintext(spec Spec, algorithm string, size int) error {
	if most := plaintexts[[2]string{string(spec), algorithm}]; size > most {
		return Errorf(KindValidation, "Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm,
			spec, most)
	}
	return nil
}
