package main

import (
	"testing"
	"time"
)

func TestFormatTimeLeft(t *testing.T) {
	now := time.Now()
	for d, want := range map[time.Duration]string{
		90 * 24 * time.Hour: "90 days",
		90*24*time.Hour - 1: "89 days",
		48 * time.Hour:      "2 days",
		48*time.Hour - 1:    "47 hours",
		time.Minute:         "0 hours",
	} {
		if got := formatTimeLeft(now.Add(d), now); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}
