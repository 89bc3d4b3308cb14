// Package crypt generates keys and runs the algorithms of each key spec, on bytes.
//
// It knows neither stores nor records nor key states. The primitives come from the Go standard library. The two
// formats that users see, the ciphertext blob and the key material ID, are specified in
// docs/ciphertext-format.md.
package crypt
