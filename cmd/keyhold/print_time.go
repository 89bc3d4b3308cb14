package main

import (
	"fmt"
	"time"
)

// formatTime returns a time as this program prints times.
func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// formatTimeLeft returns the time until then: in whole days, or in hours if there are fewer
// than two days.
func formatTimeLeft(then, now time.Time) string {
	if days := daysLeft(then, now); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d hours", then.Sub(now)/time.Hour)
}

// daysLeft returns the number of whole days until then.
func daysLeft(then, now time.Time) int { return int(then.Sub(now) / (24 * time.Hour)) }
