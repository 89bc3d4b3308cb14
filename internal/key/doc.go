// Package key defines KMS keys: identifiers, specs, states, aliases, and the
// rules of their life.
//
// Everything here is a value or a pure function of values, with time as an
// argument. The package does no I/O, holds no clock, starts no goroutine and
// runs no cryptography: key material passes through it only in its sealed form.
package key
