package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// idlePeriod is the time without a garbage collection after which a server counts as idle.
	idlePeriod = 15 * time.Second
	// enough is the memory that an idle server may keep.
	enough = 128 << 20
)

// A usage is what the Go runtime reports about its memory.
type usage struct {
	cycles   uint64 // garbage collections so far
	resident uint64 // bytes that were not returned to the system
}

func readUsage() usage {
	s := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	return usage{s[0].Value.Uint64(), s[1].Value.Uint64() - s[2].Value.Uint64()}
}

// returnMemory returns memory to the system when a busy server becomes idle, until ctx ends. Otherwise
// the garbage of an attack would stay until there is as much new garbage.
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

// mayReturn reports whether to return memory now: there is enough of it, the server is idle, and
// garbage was collected since the last return.
func mayReturn(before, now usage, returned uint64) bool {
	return now.resident > enough && now.cycles == before.cycles && now.cycles != returned
}
