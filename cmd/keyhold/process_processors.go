package main

import (
	"os"
	"runtime"
	"sync"
	"time"
)

// processors gives the Go scheduler one processor more for each expensive computation
// that runs. Go lets a goroutine run for 10 ms before another one gets its processor. The
// kernel shares the cores between threads much sooner. So a cheap request never waits for
// a processor of Go, and hardly for a core, even on a machine with one core.
type processors struct {
	mu      sync.Mutex
	own     int // what Go had before it was given more
	running int // expensive computations
	more    int // what Go was given
	calm    *time.Timer
}

// calmAfter is how long no expensive computation runs before Go gives the processors
// back: each change stops all goroutines for a moment.
const calmAfter = 10 * time.Second

// computing is service.Config.Computing.
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

// giveBack restores what Go had, unless a computation runs again.
func (p *processors) giveBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.running > 0 || p.more == 0:
	case os.Getenv("GOMAXPROCS") != "":
		runtime.GOMAXPROCS(p.own)
		p.more = 0
	default:
		runtime.SetDefaultGOMAXPROCS() // which follows the limits of the container again
		p.more = 0
	}
}
