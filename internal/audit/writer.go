package audit

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// writer is the only goroutine that writes to the file. Lines that arrive during a write form the next batch,
// so a busier log needs fewer calls per line.
func (l *Log) writer() {
	defer close(l.dirty)
	for range l.wake {
		runtime.Gosched() // lets goroutines that are about to add a line do so before this write
		if b := l.take(); b != nil {
			l.finishWrite(l.write(b.lines))
		}
	}
}

// write writes the lines of a batch to the file, or to the next file if a segment is due to be closed.
func (l *Log) write(lines []byte) error {
	err := l.rotateIfDue()
	if err == nil {
		l.seal(lines)
		err = l.writeBatch(lines)
	}
	if err == nil {
		l.recordLeaves()
	}
	return err
}

// take takes the batch that accepts lines, so that it accepts no more. It returns nil after a failure.
func (l *Log) take() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.filling
	l.filling = nil
	return b
}

func (l *Log) finishWrite(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil: // an fsync failed in the meantime and all callers have been released
	case err != nil:
		l.fail(fmt.Errorf("audit: write: %w", err))
	default:
		l.lacking = nil
		b := l.open[l.written]
		if cap(b.lines) <= maxSpare {
			l.spare = b.lines
		}
		b.lines = nil // so that a slow fsync does not keep the lines in memory
		if !l.always.Load() {
			b.release(nil)
		}
		l.written++
		select {
		case l.dirty <- struct{}{}:
		default:
		}
	}
}

// syncer runs next to the writer, because an fsync takes far longer than a write and reads must not wait for
// one.
func (l *Log) syncer() {
	defer close(l.ended)
	for range l.dirty {
		l.waitForLines()
		if n := l.countUnsynced(); n > 0 {
			l.finishSync(n, l.syncFile())
		}
	}
}

// waitForLines waits until the oldest unsynced line is FsyncEvery old.
func (l *Log) waitForLines() {
	if l.always.Load() {
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

func (l *Log) countUnsynced() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written
}

// finishSync completes the first n batches, which were written before the fsync began, and calls their callbacks.
func (l *Log) finishSync(n int, err error) {
	for _, b := range l.complete(n, err) {
		for _, synced := range b.synced {
			synced()
		}
	}
}

func (l *Log) complete(n int, err error) []*batch {
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

// fail stops the log with err. The caller holds l.mu.
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
