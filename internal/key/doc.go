// Package key defines KMS keys, aliases and grants: identifiers, specs, states, and the rules of their life
// cycle.
//
// Everything in this package is a value or a pure function of values, with time as an argument. The package
// does no I/O, holds no clock, starts no goroutine and runs no cryptography: it sees key material only in
// sealed form.
package key
