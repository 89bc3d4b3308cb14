//go:build clockfault

package main

import (
	"os"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/service"
)

// withFaults lets tests move the clock of a node, and makes the others notice sooner that a node is dead. The build tag
// clockfault is for tests alone. KEYHOLD_FAULT_CLOCK is a file with the duration by which the clock of keys and of
// heartbeats is ahead; KEYHOLD_FAULT_BEAT and KEYHOLD_FAULT_SILENCE are times of nodes.Timing.
func withFaults(c service.Config) (service.Config, error) {
	clock := os.Getenv("KEYHOLD_FAULT_CLOCK")
	c.Clock = service.NewClock(func() time.Time {
		text, err := os.ReadFile(clock)
		if err != nil {
			return time.Now()
		}
		ahead, _ := time.ParseDuration(strings.TrimSpace(string(text)))
		return time.Now().Add(ahead)
	})
	var err error
	c.Timing = nodes.DefaultTiming
	if c.Timing.Beat, err = time.ParseDuration(os.Getenv("KEYHOLD_FAULT_BEAT")); err != nil {
		return c, err
	}
	c.Timing.Silence, err = time.ParseDuration(os.Getenv("KEYHOLD_FAULT_SILENCE"))
	return c, err
}

// custodyPeriod returns the time between two proofs of the custody: KEYHOLD_FAULT_CUSTODY, for tests that do not wait
// for minutes.
func custodyPeriod() time.Duration {
	if every, err := time.ParseDuration(os.Getenv("KEYHOLD_FAULT_CUSTODY")); err == nil {
		return every
	}
	return custody.WatchPeriod
}
