package engine

import (
	"sync"
	"time"
)

// Ages knows which revision is older than the history is kept.
type Ages struct {
	Keep time.Duration // how long the history is kept

	mu      sync.Mutex
	samples []sample
	due     int64 // revision that may be compacted by its age
}

// A sample is a revision that was the newest one at a time of the monotonic clock.
type sample struct {
	rev int64
	at  time.Time
}

// Note adds a sample, unless the last one is nearly as new.
func (a *Ages) Note(rev int64, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.samples); n > 0 && (rev <= a.samples[n-1].rev || at.Sub(a.samples[n-1].at) < a.Keep/60) {
		return
	}
	a.samples = append(a.samples, sample{rev, at})
}

// Due returns the newest revision that was the newest one at least Keep ago, or 0. It forgets older samples.
func (a *Ages) Due(now time.Time) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.samples) > 0 && now.Sub(a.samples[0].at) >= a.Keep {
		a.due = a.samples[0].rev
		a.samples = a.samples[1:]
	}
	return a.due
}
