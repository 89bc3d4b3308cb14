// Package material holds key material: sealed under a slot, opened once, erased for good.
//
// It decides nothing: whether a caller may use a key, whether the state of the key allows
// the use, and which computation takes its turn is decided before. It also writes no
// event.
package material
