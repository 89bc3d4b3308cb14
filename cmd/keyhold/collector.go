package main

import (
	"os"
	"runtime/debug"
)

// gcPercent makes the heap, which is some MiB, grow to five times of what is in
// use before garbage is collected: at the default of twice, a busy server would
// spend a tenth of its time on that.
const gcPercent = 400

// memoryLimit is what the heap does not grow beyond before garbage is collected, in
// bytes. All caches together hold about 280 MiB at most, 128 of them opened key material.
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
