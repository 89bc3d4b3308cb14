//go:build !goexperiment.runtimesecret

package crypt

// Secretly runs f. What f leaves behind is erased in builds with
// GOEXPERIMENT=runtimesecret alone.
func Secretly(f func()) { f() }
