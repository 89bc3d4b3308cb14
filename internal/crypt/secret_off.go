//go:build !goexperiment.runtimesecret

package crypt

// Secretly runs f. Only builds with GOEXPERIMENT=runtimesecret erase the memory that f used.
func Secretly(f func()) { f() }
