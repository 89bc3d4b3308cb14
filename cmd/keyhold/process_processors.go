package main

import (
	"os"
	"runtime"
	"sync"
	"time"
)

// processors gives the Go scheduler one more processor for each expensive computation that runs. Go
// lets a goroutine run for 10 ms before the next one gets its processor; the kernel switches between
// threads much sooner. So a cheap request never waits for a Go processor, and hardly for a core, even
// on a machine with one core.
type processors struct {
	mu      sync.Mutex
	own     int // GOMAXPROCS before the first change
	running int // expensive computations that run
	more    int // processors that were added
	calm    *time.Timer
}

// calmAfter is the time without expensive computations after which the added processors are removed.
// Each change stops all goroutines for a moment.
const calmAfter = 10 * time.Second

// computing is the value of service.Config.Computing.
func (p *processors) computing(change int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running += change
	switch {
	case p.running == 0:
		if p.calm == nil {
			p.calm = time.AfterFunc(calmAfter, p.giveBack)
		} else {
			p.calm.Reset(calmAfter)
		}
	case p.running > p.more:
		if p.more == 0 {
			p.own = runtime.GOMAXPROCS(0)
		}
		p.more = p.running
		runtime.GOMAXPROCS(p.own + p.more)
	}
}

// giveBack removes the added processors, unless a computation runs again.
func (p *processors) giveBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.running > 0 || p.more == 0:
	case os.Getenv("GOMAXPROCS") != "":
		runtime.GOMAXPROCS(p.own)
		p.more = 0
	default:
		runtime.SetDefaultGOMAXPROCS() // follows the limits of the container again
		p.more = 0
	}
}
