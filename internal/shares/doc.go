// Package shares splits a secret among custodians, so that a threshold of them can bring it back.
//
// A random scalar is split by the scheme of Feldman over ristretto255 (package secretsharing of circl). The secret
// itself is sealed under a key that is derived from the scalar, and every share has the sealed secret, so a share needs
// nothing else. Every share also has the commitments to the polynomial: with them a custodian can check the share
// alone, and a wrong share is found by its number. Each share is encrypted to its custodian (package recipients).
//
// The package reads and writes no files. docs/recovery.md describes the format.
package shares
