package main

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A syncWatch sees every fsync and fdatasync of a program before it happens, counts them over all
// threads, and makes one of them fail. It uses the user notifications of seccomp, because strace
// counts the calls of each thread separately.
type syncWatch struct {
	listener int
	failing  int           // the number of the call that fails, from 1
	done     chan struct{} // closed to end

	mu     sync.Mutex
	calls  int
	failed time.Time // when the call failed; zero before
}

func needsSeccomp(t *testing.T) {
	t.Helper()
	needs(t, "seccomp", func() error {
		w, err := watchSyncs(0, func() error { return nil })
		w.stop()
		return err
	})
}

// watchSyncs calls start, and watches all programs that start starts until stop is called.
func watchSyncs(failing int, start func() error) (*syncWatch, error) {
	w := &syncWatch{failing: failing, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the function, and its filter too
		err := w.install()
		if err == nil {
			go w.run()
			err = start()
		}
		started <- err
	}()
	return w, <-started
}

// install installs a filter that hands the calls of this thread, and of the programs that it starts,
// to the listener.
func (w *syncWatch) install() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FSYNC, Jt: 2},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FDATASYNC, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	w.listener = int(fd)
	unix.CloseOnExec(w.listener)
	return nil
}

// A notification is struct seccomp_notif of seccomp(2). A response is struct seccomp_notif_resp.
type (
	notification struct {
		id           uint64
		pid, flags   uint32
		number       int32
		architecture uint32
		instruction  uint64
		arguments    [6]uint64
	}
	response struct {
		id    uint64
		value int64
		error int32
		flags uint32
	}
)

// stop ends the watch. The program must have ended before.
func (w *syncWatch) stop() { close(w.done) }

// run answers the kernel.
func (w *syncWatch) run() {
	defer unix.Close(w.listener)
	for {
		poll := []unix.PollFd{{Fd: int32(w.listener), Events: unix.POLLIN}}
		const pause = 50 // milliseconds
		unix.Poll(poll, pause)
		select {
		case <-w.done:
			return
		default:
		}
		var n notification
		if poll[0].Revents&unix.POLLIN == 0 || w.control(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)) != nil {
			continue // the calling thread was interrupted
		}
		r := w.decide(n.id)
		if err := w.control(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)); errors.Is(err, unix.ENOENT) {
			w.undo() // the calling thread was interrupted, and calls again
		}
	}
}

func (w *syncWatch) control(request uintptr, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(w.listener), request, uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

func (w *syncWatch) decide(id uint64) response {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls++; w.calls == w.failing {
		w.failed = time.Now()
		return response{id: id, error: -int32(unix.EIO)}
	}
	return response{id: id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
}

func (w *syncWatch) undo() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == w.failing {
		w.failed = time.Time{}
	}
	w.calls--
}

// state returns the number of calls, and the time at which a call was made to fail.
func (w *syncWatch) state() (calls int, failed time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls, w.failed
}
