//go:build goexperiment.runtimesecret

package crypt

import "runtime/secret"

// Secretly runs f and has erased what f leaves behind: registers and stack when
// it returns, heap when it is collected. It needs a build with
// GOEXPERIMENT=runtimesecret.
func Secretly(f func()) { secret.Do(f) }
