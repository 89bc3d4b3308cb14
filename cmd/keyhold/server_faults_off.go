//go:build !clockfault

package main

import "github.com/keyhold/keyhold/internal/service"

// withFaults returns the Config of a server without the faults of a test build.
func withFaults(c service.Config) (service.Config, error) { return c, nil }
