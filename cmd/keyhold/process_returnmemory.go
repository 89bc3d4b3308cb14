package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// idlePeriod without a garbage collection means that the server has little to do.
	idlePeriod = 15 * time.Second
	// enough is how much memory an idle server may keep without collecting garbage for it.
	enough = 128 << 20
)

// A usage is what the runtime reports of its memory.
type usage struct {
	cycles   uint64 // garbage collections so far
	resident uint64 // bytes that were not given back to the system
}

func readUsage() usage {
	s := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return usage{s[0].Value.Uint64(), s[1].Value.Uint64() - s[2].Value.Uint64()}
}

// returnMemory gives memory back to the system once a server is idle that was busy, until
// ctx ends. Without it the garbage of an attack stays until there is as much new garbage.
func returnMemory(ctx context.Context) {
	tick := time.NewTicker(idlePeriod)
	defer tick.Stop()
	for before, returned := readUsage(), uint64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := readUsage()
		if mayReturn(before, now, returned) {
			debug.FreeOSMemory()
			now = readUsage()
			returned = now.cycles
		}
		before = now
	}
}

// mayReturn reports whether memory is to be given back: there is enough of it, nothing
// was collected since before, and something since it was given back last.
func mayReturn(before, now usage, returned uint64) bool {
	return now.resident > enough && now.cycles == before.cycles && now.cycles != returned
}
