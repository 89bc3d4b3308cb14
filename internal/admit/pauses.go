package admit

import (
	"errors"
	"time"
)

// Pauses lets a few goroutines sleep at a time, each until a precise moment. The timers of the Go runtime may be up
// to a millisecond late, counted from the moment when they are set, so the end of such a sleep would reveal when it
// began. A Pauses asks the system for timers of its own.
type Pauses struct {
	free chan alarm // the timers that nobody waits for
}

// alarm is one timer of the system.
type alarm interface {
	// sleep waits for a duration, which is positive.
	sleep(d time.Duration)
	Close() error
}

// NewPauses returns a Pauses for a number of goroutines. It holds a file descriptor for each.
func NewPauses(places int) (*Pauses, error) {
	p := &Pauses{free: make(chan alarm, places)}
	for range places {
		a, err := newAlarm()
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.free <- a
	}
	return p, nil
}

// SleepUntil sleeps at least until a moment, which has a monotonic clock reading. It waits for a place first.
func (p *Pauses) SleepUntil(end time.Time) {
	a := <-p.free
	defer func() { p.free <- a }()
	if d := time.Until(end); d > 0 {
		a.sleep(d)
	}
}

// Close closes the timers. All calls of Sleep must have returned.
func (p *Pauses) Close() error {
	var errs []error
	for range len(p.free) {
		errs = append(errs, (<-p.free).Close())
	}
	return errors.Join(errs...)
}
