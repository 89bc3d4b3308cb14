package admit

import (
	"syscall"
	"time"
)

// Sleep sleeps for at least a duration. It waits in the system, because the timers of the Go runtime may be up to a
// millisecond late. It takes a thread.
func Sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	left := syscall.NsecToTimespec(int64(d))
	for syscall.Nanosleep(&left, &left) == syscall.EINTR { // a signal has interrupted it
	}
}
