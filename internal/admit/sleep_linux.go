package admit

import (
	"syscall"
	"time"
)

// Sleep sleeps for a duration that is shorter than the timers of the Go runtime are exact. It may return early
// because of a signal.
func Sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil)
}
