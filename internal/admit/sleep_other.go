//go:build !linux

package admit

import "time"

// Sleep sleeps for a duration.
func Sleep(d time.Duration) { time.Sleep(d) }
