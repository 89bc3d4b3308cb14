package audit

import (
	"cmp"
	"context"
	"runtime"
	"time"
)

// maxBatch is the size in bytes at which Write waits for the next batch: thousands of events.
const maxBatch = 4 << 20

// maxSpare is the size in bytes of the largest buffer that is reused for another batch.
const maxSpare = 256 << 10

// A batch is the lines of one write(2).
type batch struct {
	lines  []byte
	since  time.Time     // when the first line was queued
	synced []func()      // called after the fsync
	done   chan struct{} // closed to release the waiting callers; err is set before
	err    error
	gone   bool // done is closed
}

// add appends a line to the batch. The caller holds l.mu.
func (l *Log) add(b *batch, line []byte, synced func()) {
	before := len(b.lines)
	if l.chain != nil {
		b.lines = append(append(b.lines, line[:len(line)-len("}\n")]...), emptyChain...)
	} else {
		b.lines = append(b.lines, line...)
	}
	l.end += int64(len(b.lines) - before)
	if synced != nil {
		b.synced = append(b.synced, synced)
	}
}

func (b *batch) release(err error) {
	if !b.gone {
		b.gone, b.err = true, err
		close(b.done)
	}
}

// yields is how many times soon yields the processor to other goroutines, including the writer.
const yields = 3

// finishesSoon reports whether the batch is finished after yielding a few times. On a busy server it often is, and
// yielding costs less than sleeping and being woken.
func (b *batch) finishesSoon() bool {
	for range yields {
		runtime.Gosched()
		select {
		case <-b.done:
			return true
		default:
		}
	}
	return false
}

// await waits until the batch is finished.
func (l *Log) await(ctx context.Context, b *batch) error {
	patience := time.NewTimer(l.opts.MaxWait)
	defer patience.Stop()
	select {
	case <-b.done:
		return nil
	case <-patience.C:
		return ErrBehind
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// refusal returns why the log accepts no more lines, or nil. The caller holds l.mu.
func (l *Log) refusal() error {
	if l.closed {
		return ErrClosed
	}
	return l.err
}

// fill returns the batch that accepts lines, and creates it if necessary. The caller holds l.mu.
func (l *Log) fill() *batch {
	if l.filling == nil {
		l.filling = &batch{since: l.opts.Now(), done: make(chan struct{}), lines: l.spare[:0]}
		l.spare = nil
		l.open = append(l.open, l.filling)
		l.wake <- struct{}{} // does not block: the writer has received the signal for the previous batch
	}
	return l.filling
}

// join adds line to the batch that accepts lines. If the batch is full, joined is false and the caller has to
// try again when the batch is finished.
func (l *Log) join(line []byte) (b *batch, joined bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil || l.lacking != nil {
		return nil, false, cmp.Or(err, l.lacking)
	}
	b = l.fill()
	if len(b.lines) >= maxBatch {
		return b, false, nil
	}
	l.add(b, line, nil)
	return b, true, nil
}

// stopAccepting stops accepting lines and reports whether this call was the first.
func (l *Log) stopAccepting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	close(l.closing)
	close(l.wake)
	return true
}
