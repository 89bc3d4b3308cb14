package main

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap grow to five times the memory in use before garbage is
// collected. At the default of twice the memory in use, a busy server would spend a tenth
// of its time on collections.
const gcPercent = 400

// memoryLimit is the size of the heap, in bytes, at which garbage is collected in any
// case. All caches together hold about 280 MiB at most, of which opened key material is 128.
const memoryLimit = 400 << 20

// setCollector tells the garbage collector when to run. GOGC and GOMEMLIMIT set in the
// environment take precedence.
func setCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
