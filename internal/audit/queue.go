package audit

import (
	"cmp"
	"context"
	"runtime"
	"time"
)

// maxBatch is how many bytes a batch holds before Write has to wait for the
// next: some thousands of events.
const maxBatch = 4 << 20

// maxSpare is how many bytes are kept for the next batch.
const maxSpare = 256 << 10

// A batch is the lines of one write(2).
type batch struct {
	lines  []byte
	since  time.Time     // when the first line was queued
	synced []func()      // to call after the fsync
	done   chan struct{} // closed when those who wait may go; err is set before
	err    error
	gone   bool // done is closed
}

// add puts a line into the batch that takes lines. The caller holds l.mu.
func (l *Log) add(b *batch, line []byte, synced func()) {
	l.end += int64(len(line))
	b.lines = append(b.lines, line...)
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

// yields is how often soon lets others run: they bring their lines, and the writer
// writes them.
const yields = 3

// soon reports whether those who wait for the batch may go within a moment. On a
// busy server they may, and to let others run meanwhile costs less than to be put
// to sleep and woken again.
func (b *batch) soon() bool {
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

// await waits until those who wait for the batch may go.
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

// refusal returns why no more lines are taken. The caller holds l.mu.
func (l *Log) refusal() error {
	if l.closed {
		return ErrClosed
	}
	return l.err
}

// fill returns the batch that takes lines. The caller holds l.mu.
func (l *Log) fill() *batch {
	if l.filling == nil {
		l.filling = &batch{since: l.opts.Now(), done: make(chan struct{}), lines: l.spare[:0]}
		l.spare = nil
		l.open = append(l.open, l.filling)
		l.wake <- struct{}{} // empty: the writer took the signal before the last batch
	}
	return l.filling
}

// join adds line to the batch that takes lines, unless that is full; the line
// then has to be brought again when it is done.
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

// shut lets no more lines in and reports whether it was the first to do so.
func (l *Log) shut() bool {
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
