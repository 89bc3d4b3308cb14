//go:build !go1.27 || fips140v1.0

package crypt

import (
	_ "unsafe" // for the line that links

	"filippo.io/mldsa"
)

// verifyMu verifies a signature of the message representative μ (FIPS 204, section 6.3, algorithm 8, from line 8).
// The module implements this but does not export it, and neither does crypto/mldsa of Go 1.27
// (golang.org/issue/80272). A mldsa.PublicKey consists only of the type that the linked function takes, so their
// pointers are interchangeable. If either type changes, the program does not link or the test vectors fail.
//
//go:linkname verifyMu filippo.io/mldsa/internal/fips140/mldsa.VerifyExternalMu
func verifyMu(public *mldsa.PublicKey, mu, signature []byte) error
