//go:build !clockfault

package main

import (
	"time"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/service"
)

// withFaults returns the Config of a server without the faults of a test build.
func withFaults(c service.Config) (service.Config, error) { return c, nil }

// custodyPeriod returns the time between two proofs of the custody.
func custodyPeriod() time.Duration { return custody.WatchPeriod }
