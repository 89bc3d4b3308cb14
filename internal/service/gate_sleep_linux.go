package service

import (
	"syscall"
	"time"
)

// sleep may end early, at a signal.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil)
}
