//go:build !go1.27 || fips140v1.0

package crypt

import (
	_ "unsafe" // for the line that links

	"filippo.io/mldsa"
)

// verifyMu verifies a signature of the representative μ of a message (FIPS 204,
// section 6.3, algorithm 8, from line 8). The module can do it but does not
// export it, as crypto/mldsa of Go 1.27 does not (golang.org/issue/80272). A
// mldsa.PublicKey consists of the one that the linked function takes, so a
// pointer to it is a pointer to that. If either changes, the program does not
// link or the vectors fail.
//
//go:linkname verifyMu filippo.io/mldsa/internal/fips140/mldsa.VerifyExternalMu
func verifyMu(public *mldsa.PublicKey, mu, signature []byte) error
