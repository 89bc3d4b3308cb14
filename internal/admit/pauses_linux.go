package admit

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerFile is a timer of the system, see timerfd_create(2). A goroutine in nanosleep(2) takes a thread and a
// processor. A goroutine that waits for this timer takes neither: the runtime learns of the end as it learns of data on
// a connection.
type timerFile struct {
	*os.File
	raw syscall.RawConn
}

func newAlarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "timer")
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return timerFile{f, raw}, nil
}

func (t timerFile) sleep(d time.Duration) {
	var failure error
	err := t.raw.Control(func(fd uintptr) {
		failure = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil)
	})
	if err = errors.Join(err, failure); err == nil {
		var expirations [8]byte
		_, err = t.Read(expirations[:])
	}
	if err != nil { // does not happen with an open timer
		time.Sleep(d)
	}
}
