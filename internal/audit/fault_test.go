package audit

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Each fault of write(2) is tested twice: the bytes did not reach the file, and they did.
func TestAfterAFaultNothingIsAcknowledged(t *testing.T) {
	for name, test := range map[string]struct {
		disk   *disk
		cause  error
		listed bool // the file contains the event although its write failed
	}{
		"write fails, not persisted": {&disk{fault: func([]byte) (int, error) { return 0, syscall.EIO }}, syscall.EIO, false},
		"write fails, persisted":     {&disk{fault: func(p []byte) (int, error) { return len(p), syscall.EIO }}, syscall.EIO, true},
		"write fails, torn":          {&disk{fault: func(p []byte) (int, error) { return len(p) / 2, syscall.EIO }}, syscall.EIO, false},
		"cut back fails":             {&disk{fault: func(p []byte) (int, error) { return 1, syscall.ENOSPC }, truncateErr: syscall.EIO}, syscall.EIO, false},
		"short write without error":  {&disk{fault: func(p []byte) (int, error) { return len(p) - 1, nil }}, io.ErrShortWrite, true},
		"fsync fails":                {&disk{syncErr: syscall.EIO}, syscall.EIO, true},
		"fsync fails, disk full":     {&disk{syncErr: syscall.ENOSPC}, syscall.ENOSPC, true},
	} {
		for _, always := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testFault(t, test.disk.again(), always, test.cause, test.listed) })
			})
		}
	}
}

func (d *disk) again() *disk {
	return &disk{fault: d.fault, syncErr: d.syncErr, truncateErr: d.truncateErr}
}

func testFault(t *testing.T, d *disk, always bool, cause error, listed bool) {
	var failures atomic.Int32
	var synced atomic.Bool
	l := New(d, Options{Always: always, Failed: func(err error) {
		if failures.Add(1); !errors.Is(err, cause) {
			t.Errorf("Failed got %v", err)
		}
	}})
	appendTo(t, l, "change", &synced)
	read := <-begin(t.Context(), l, event("read"))
	if acknowledged := d.syncErr != nil && !always; (read == nil) != acknowledged {
		t.Errorf("read: %v", read)
	}
	time.Sleep(time.Second)
	if d.has("change") != listed {
		t.Errorf("in the file: %v", !listed)
	}

	writes, syncs := d.writes, d.syncs
	d.fault, d.syncErr, d.truncateErr = nil, nil, nil // the disk works again, but the log must stay failed
	for range 3 {
		for name, err := range map[string]error{
			"Write":   l.Write(t.Context(), event("later")),
			"Append":  l.Append(mustLine(t, event("later")), func() { synced.Store(true) }),
			"Healthy": l.Healthy(),
		} {
			if !errors.Is(err, cause) {
				t.Errorf("%s afterwards: %v", name, err)
			}
		}
		time.Sleep(time.Second)
	}
	if err := l.Close(); !errors.Is(err, cause) || !d.closed {
		t.Errorf("Close: %v, file closed %v", err, d.closed)
	}
	if synced.Load() || failures.Load() != 1 || d.writes != writes || d.syncs != syncs {
		t.Errorf("synced %v, Failed called %d times, %d more writes, %d more fsyncs", synced.Load(), failures.Load(), d.writes-writes, d.syncs-syncs)
	}
}

// A line that is being written when an fsync fails is not acknowledged either.
func TestFsyncFailsDuringAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, sync := make(hold), make(hold)
		d := &disk{onWrite: h.wait, onSync: sync.wait, syncErr: syscall.EIO}
		l := New(d, Options{})
		a := begin(t.Context(), l, event("a"))
		h.let()
		if err := <-a; err != nil {
			t.Fatal(err)
		}
		b := begin(t.Context(), l, event("b"))
		c := begin(t.Context(), l, event("c")) // waits until b is written
		time.Sleep(20 * time.Millisecond)
		sync.let()
		for _, answer := range []<-chan error{b, c} {
			if err := <-answer; !errors.Is(err, syscall.EIO) {
				t.Errorf("got %v", err)
			}
		}
		h.let()
		synctest.Wait()
		if err := l.Close(); !errors.Is(err, syscall.EIO) {
			t.Errorf("Close: %v", err)
		}
		if !d.has("b") || d.has("c") {
			t.Errorf("wrote %q", d.data)
		}
	})
}

// An fsync that was running when a write failed acknowledges nothing.
func TestWriteFailsDuringAnFsync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onSync: h.wait}
		l := New(d, Options{})
		var synced atomic.Bool
		appendTo(t, l, "a", &synced)
		time.Sleep(20 * time.Millisecond)
		d.mu.Lock()
		d.fault = func([]byte) (int, error) { return 0, syscall.EIO }
		d.mu.Unlock()
		if err := l.Write(t.Context(), event("b")); !errors.Is(err, syscall.EIO) {
			t.Errorf("b: %v", err)
		}
		h.let()
		if err := l.Close(); !errors.Is(err, syscall.EIO) || synced.Load() {
			t.Errorf("Close: %v, synced %v", err, synced.Load())
		}
	})
}

func TestBlockedWriteHangsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onWrite: h.wait}
		l := New(d, Options{})
		start := time.Now()
		cut, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		impatient, a, b := begin(cut, l, event("impatient")), begin(t.Context(), l, event("a")), begin(t.Context(), l, event("b"))
		if err := <-impatient; !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		for _, answer := range []<-chan error{a, b} {
			if err := <-answer; !errors.Is(err, ErrBehind) || time.Since(start) != 2500*time.Millisecond {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		}
		healthyUntil(t, l, start.Add(3*time.Second))
		h.letAll()
		waitUntilHealthy(t, l)
		if got := ids(t, d.data); len(got) != 4 { // the line of a Write that timed out is still written
			t.Errorf("wrote %v", got)
		}
		closeLog(t, l)
	})
}

func TestBlockedFsyncMakesUnhealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onSync: h.wait}
		l := New(d, Options{})
		start := time.Now()
		write(t, l, event("a"))
		time.Sleep(time.Second)
		write(t, l, event("b"))
		healthyUntil(t, l, start.Add(3*time.Second))
		h.let() // now a is written, and b has waited for two seconds
		synctest.Wait()
		healthyUntil(t, l, start.Add(4*time.Second))
		h.letAll()
		waitUntilHealthy(t, l)
		closeLog(t, l)
	})
}

// healthyUntil checks that l is healthy until exactly this time, and behind after it.
func healthyUntil(t *testing.T, l *Log, end time.Time) {
	t.Helper()
	time.Sleep(time.Until(end))
	if err := l.Healthy(); err != nil {
		t.Errorf("too early: %v", err)
	}
	time.Sleep(time.Millisecond)
	if err := l.Healthy(); !errors.Is(err, ErrBehind) {
		t.Errorf("behind, yet %v", err)
	}
}

func waitUntilHealthy(t *testing.T, l *Log) {
	t.Helper()
	time.Sleep(10 * time.Millisecond)
	synctest.Wait()
	if err := l.Healthy(); err != nil {
		t.Errorf("not recovered: %v", err)
	}
	write(t, l, event("after"))
}

func TestCloseOfABlockedLogEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onWrite: h.wait}
		l := New(d, Options{MaxLag: time.Minute})
		begin(t.Context(), l, event("a"))
		start := time.Now()
		if err := l.Close(); !errors.Is(err, ErrBehind) || time.Since(start) != time.Minute || d.closed {
			t.Errorf("%v after %v, file closed %v", err, time.Since(start), d.closed)
		}
		h.letAll()
	})
}
