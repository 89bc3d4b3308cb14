// Package material holds key material: sealed under a slot, opened once, erased for good. It
// makes no decisions: its callers have decided whether a principal may use a key, whether the
// state of the key permits the use, and whose turn it is. It writes no events.
package material
