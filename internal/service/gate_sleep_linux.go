package service

import (
	"syscall"
	"time"
)

// sleep may return early because of a signal.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil)
}
