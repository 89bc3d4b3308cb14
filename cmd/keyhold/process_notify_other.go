//go:build !linux

package main

import "time"

// monotonic returns 0, because only Linux has a service manager that needs it.
func monotonic() time.Duration { return 0 }
