//go:build goexperiment.runtimesecret

package crypt

import "runtime/secret"

// Secretly runs f and erases the memory that f used: registers and stack when f returns, heap when it is
// garbage collected. It requires a build with GOEXPERIMENT=runtimesecret.
func Secretly(f func()) { secret.Do(f) }
