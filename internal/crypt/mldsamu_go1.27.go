//go:build go1.27 && !fips140v1.0

package crypt

import "filippo.io/mldsa"

// verifyMu is missing where the module stands for crypto/mldsa, which keeps the
// function to itself (golang.org/issue/80272).
func verifyMu(*mldsa.PublicKey, []byte, []byte) error { return ErrUnsupported }
