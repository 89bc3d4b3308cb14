//go:build !linux

package admit

import "time"

// runtimeTimer is a timer of the Go runtime.
type runtimeTimer struct{}

func newAlarm() (alarm, error) { return runtimeTimer{}, nil }

func (runtimeTimer) sleep(d time.Duration) { time.Sleep(d) }

func (runtimeTimer) Close() error { return nil }
