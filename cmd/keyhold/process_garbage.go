package main

import (
	"os"
	"runtime/debug"
)

// gcPercent lets the heap grow to five times the live memory before a garbage collection. With the
// default of two times, a busy server would spend a tenth of its time on collections.
const gcPercent = 400

// memoryLimit is the heap size, in bytes, at which Go collects garbage in any case. All caches
// together hold at most about 280 MiB, 128 of them opened key material.
const memoryLimit = 400 << 20

// setGarbageCollector configures the garbage collector. GOGC and GOMEMLIMIT in the environment take
// precedence.
func setGarbageCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
