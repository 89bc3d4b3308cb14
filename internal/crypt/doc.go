// Package crypt generates keys and runs the algorithms of each key spec, bytes
// to bytes.
//
// It knows no store, no record and no state; the primitives are those of the Go
// standard library. What it makes for users, the ciphertext blob and the key
// material ID, is specified in docs/ciphertext-format.md.
package crypt
