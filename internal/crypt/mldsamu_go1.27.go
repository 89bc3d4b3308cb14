//go:build go1.27 && !fips140v1.0

package crypt

import "filippo.io/mldsa"

// verifyMu is missing in builds where the module uses crypto/mldsa, which does not export the function
// (golang.org/issue/80272).
func verifyMu(*mldsa.PublicKey, []byte, []byte) error { return ErrUnsupported }
