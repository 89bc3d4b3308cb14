package audit

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// writer alone writes to the file: all that has come while it wrote is the next
// batch, so the busier the log the fewer the calls for each line.
func (l *Log) writer() {
	defer close(l.dirty)
	for range l.wake {
		runtime.Gosched() // those who are about to bring a line do so first, for this write
		if b := l.take(); b != nil {
			l.wrote(l.put(b.lines))
		}
	}
}

// take ends the batch that takes lines. It returns nil after a failure.
func (l *Log) take() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.filling
	l.filling = nil
	return b
}

func (l *Log) wrote(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil: // an fsync failed meanwhile and everybody has been told
	case err != nil:
		l.fail(fmt.Errorf("audit: write: %w", err))
	default:
		l.lacking = nil
		b := l.open[l.written]
		if cap(b.lines) <= maxSpare {
			l.spare = b.lines
		}
		b.lines = nil // a slow fsync shall not keep them in memory
		if !l.opts.Always {
			b.release(nil)
		}
		l.written++
		select {
		case l.dirty <- struct{}{}:
		default:
		}
	}
}

// syncer runs beside the writer, because an fsync takes far longer than a write
// and no reader shall wait for one.
func (l *Log) syncer() {
	defer close(l.ended)
	for range l.dirty {
		l.gather()
		if n := l.unsynced(); n > 0 {
			l.fsynced(n, l.file.Sync())
		}
	}
}

// gather waits until the oldest line not fsynced is FsyncEvery old.
func (l *Log) gather() {
	if l.opts.Always {
		return
	}
	t := time.NewTimer(l.opts.FsyncEvery - l.age())
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.closing:
	}
}

func (l *Log) age() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return 0
	}
	return l.opts.Now().Sub(l.open[0].since)
}

func (l *Log) unsynced() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

// fsynced ends the first n batches, which were written before the fsync began.
func (l *Log) fsynced(n int, err error) {
	for _, b := range l.settle(n, err) {
		for _, synced := range b.synced {
			synced()
		}
	}
}

func (l *Log) settle(n int, err error) []*batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil && l.err == nil {
		l.fail(fmt.Errorf("audit: fsync: %w", err))
	}
	if l.err != nil {
		return nil
	}
	safe := slices.Clone(l.open[:n])
	l.open = slices.Delete(l.open, 0, n)
	l.written -= n
	for _, b := range safe {
		b.release(nil)
	}
	return safe
}

// fail makes err the end of the log. The caller holds l.mu.
func (l *Log) fail(err error) {
	l.err = err
	for _, b := range l.open {
		b.release(err)
	}
	l.open, l.written, l.filling = nil, 0, nil
	if l.opts.Failed != nil {
		go l.opts.Failed(err)
	}
}
