// Package audit writes an event for each decision before the server sends its answer.
//
// A Log writes events as lines to a file that only grows. Write is for reads and refusals, and waits for
// write(2). Append is for changes, whose event was already committed in the transaction that made the change.
// After a failed write or fsync, a Log acknowledges nothing more, because the content of the disk is unknown
// until the file is opened again. A write that fails because the disk is full has a known outcome: the Log cuts
// the file back, refuses events, and retries until there is space.
//
// The package does not decide what an event contains, keeps no outbox and signs nothing.
package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/space"
)

// ErrBehind means that writing to the file is too slow. The log may recover.
var ErrBehind = errors.New("audit: the log is behind")

// ErrClosed means that the log has been closed.
var ErrClosed = errors.New("audit: the log is closed")

// A File is what a Log writes to: an *os.File opened for appending.
type File interface {
	Write(p []byte) (int, error)
	Sync() error
	Truncate(size int64) error
	Close() error
}

// SyncAlways makes Write wait for fsync from now on, as Options.Always does.
func (l *Log) SyncAlways() { l.always.Store(true) }

// Discard is a File that discards everything, for servers that keep their data in memory.
type Discard struct{}

// Write discards p.
func (Discard) Write(p []byte) (int, error) { return len(p), nil }

// Sync does nothing.
func (Discard) Sync() error { return nil }

// Truncate does nothing.
func (Discard) Truncate(int64) error { return nil }

// Close does nothing.
func (Discard) Close() error { return nil }

// Options configure a Log. The zero value is valid.
type Options struct {
	Always     bool             // Write waits for fsync, not only for write(2)
	FsyncEvery time.Duration    // longest delay between the first line of a batch and its fsync; 0 means 10 ms
	MaxLag     time.Duration    // age of an unsynced line at which the log is unhealthy; 0 means 3 s
	MaxWait    time.Duration    // time limit of Write; 0 means 2.5 s, so that a request ends within 3 s
	Now        func() time.Time // a monotonic clock that operators cannot move; nil means time.Now
	Failed     func(error)      // called once, in its own goroutine, on the first failure; may be nil

	SegmentBytes    int64         // size at which a segment of a protected log is closed; 0 means DefaultSegment
	CheckpointEvery time.Duration // time between two checkpoints of a protected log; 0 means 1 minute
}

func (o Options) withDefaults() Options {
	o.FsyncEvery = cmp.Or(o.FsyncEvery, 10*time.Millisecond)
	o.MaxLag = cmp.Or(o.MaxLag, 3*time.Second)
	o.MaxWait = cmp.Or(o.MaxWait, 2500*time.Millisecond)
	o.SegmentBytes = cmp.Or(o.SegmentBytes, DefaultSegment)
	o.CheckpointEvery = cmp.Or(o.CheckpointEvery, defaultCheckpoint)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Log writes events to a file. Its methods may be called concurrently.
type Log struct {
	path string // of the file; "" if it has none
	opts Options
	past past

	files sync.RWMutex // held while file is replaced; readers hold it while file must stay open
	file  File
	begin int64 // offset of the first line of file in the log

	always atomic.Bool // Write waits for fsync

	lines sync.Pool // *[]byte buffers in which Write encodes lines

	mu      sync.Mutex
	end     int64    // offset of the next line in the file, after all queued lines
	open    []*batch // batches that are not yet fsynced, in file order
	written int      // number of batches in open that write(2) accepted
	filling *batch   // last batch of open while it accepts lines, else nil
	spare   []byte   // buffer of a written batch, reused for a new one
	err     error    // first failure; permanent
	lacking error    // why the writer waits for space; nil if it does not wait
	closed  bool

	last  Mark // at the end of Close
	guard atomic.Pointer[func() error]

	length int64 // bytes of the file that write(2) accepted; used by the writer only
	room   room

	// Of a protected log. The writer alone uses chain, leaves, segment and rotateAt after the start.
	protection Protection
	chain      *chain // nil unless the log is protected
	leaves     []tlog.Hash
	ledger     *ledger
	segment    growing
	rotateAt   int64     // size at which the segment is closed
	modified   time.Time // when the file was last written before it was opened
	tilesDue   chan struct{}
	segmentDue chan struct{}
	unsigned   atomic.Pointer[error] // of the last checkpoint; nil before it
	closedTo   atomic.Int64          // the segments up to this line have been closed durably
	kept       chan struct{}         // closed when the keeper has ended; nil unless the log is protected

	wake    chan struct{} // tells the writer that filling is set
	dirty   chan struct{} // tells the syncer that written has increased
	closing chan struct{}
	ended   chan struct{} // closed when both goroutines have ended
}

// New returns a Log that writes to f and closes it. It does not read what f already contains.
func New(f File, o Options) *Log {
	return newLog("", f, past{lines: io.NewSectionReader(eof{}, 0, 0)}, o)
}

func newLog(path string, f File, p past, o Options) *Log {
	_, begin := p.layout.end()
	l := &Log{
		path: path, file: f, begin: begin, opts: o.withDefaults(), past: p, modified: p.modified,
		end: begin + p.lines.Size(), length: p.lines.Size(),
		lines:   sync.Pool{New: func() any { return new([]byte) }},
		wake:    make(chan struct{}, 1),
		dirty:   make(chan struct{}, 1),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	l.rotateAt = l.opts.SegmentBytes
	l.always.Store(o.Always)
	go l.writer()
	go l.syncer()
	return l
}

// Write queues e and returns nil once write(2) has accepted its line, or fsync if Options.Always is set. After
// an error the file may or may not contain the event, and the caller must not give the answer. Write waits no
// longer than Options.MaxWait, and no longer than ctx allows.
func (l *Log) Write(ctx context.Context, e Event) error {
	if discardsEvents {
		return nil
	}
	room := l.lines.Get().(*[]byte)
	defer l.lines.Put(room)
	line, err := e.appendLine((*room)[:0])
	if err != nil {
		return err
	}
	*room = line // append may have reallocated it
	for {
		b, joined, err := l.join(line)
		if err != nil {
			return err
		}
		if !b.finishesSoon() {
			err = l.await(ctx, b)
		}
		if errors.Is(err, ErrBehind) {
			err = cmp.Or(l.lackOfSpace(), err)
		}
		if err != nil {
			return fmt.Errorf("audit: event %s: %w", e.EventID, err)
		}
		if joined {
			return b.err
		}
	}
}

// Append queues a line made by Event.Line and does not wait. After the fsync that covers the line, the Log
// calls synced, which may be nil and must be quick. If the log fails first, synced is not called. Append
// ignores the limit of the queue and a full disk, because the change has already happened.
func (l *Log) Append(line []byte, synced func()) error {
	if len(line) < 2 || bytes.IndexByte(line, '\n') != len(line)-1 {
		return errors.New("audit: not exactly one line")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil {
		return err
	}
	if l.chain != nil && line[len(line)-2] != '}' {
		return errUnchainable
	}
	l.add(l.fill(), line, synced)
	return nil
}

// Healthy returns nil, or the reason why operations that need an event must not start: the log has failed or is
// closed, which is permanent, or it is ErrBehind or space.ErrFull, or the error of a Guard.
func (l *Log) Healthy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil || l.lacking != nil {
		return cmp.Or(err, l.lacking)
	}
	if guard := l.guard.Load(); guard != nil {
		if err := (*guard)(); err != nil {
			return err
		}
	}
	if len(l.open) == 0 {
		return nil
	}
	if lag := l.opts.Now().Sub(l.open[0].since); lag > l.opts.MaxLag {
		return fmt.Errorf("%w by %v", ErrBehind, lag)
	}
	return nil
}

// Lag returns the age of the oldest line that is not on disk yet, or 0.
func (l *Log) Lag() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) == 0 {
		return 0
	}
	return l.opts.Now().Sub(l.open[0].since)
}

// Guard lets Healthy return the errors of another part of the server, such as an anchor. healthy must be quick.
func (l *Log) Guard(healthy func() error) { l.guard.Store(&healthy) }

// End returns an offset in the log, over all its segments, at or before which the next event begins.
func (l *Log) End() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Since calls fn with the ID of each event that begins at offset from or later, among the events that the log
// contained when it was opened. These are on the disk. fn can get an ID twice. An offset can be the End of an earlier
// opening. The error is ErrUnreadable if a line is damaged.
func (l *Log) Since(from int64, fn func(id string)) error { return l.past.since(from, fn) }

// Revision returns the newest stamp that the file contained when it was opened, or 0. The store had reached at
// least this revision.
func (l *Log) Revision() int64 { return l.past.revision }

// Blank reports whether the log contained no events when it was opened.
func (l *Log) Blank() bool { return l.past.lines.Size() == 0 && len(l.past.layout.closed) == 0 }

// Torn returns the number of bytes that Open removed because a power failure or a full disk had left them
// incomplete.
func (l *Log) Torn() int64 { return l.past.torn }

// Close writes and fsyncs the queued lines, signs a checkpoint and closes the file. If this takes longer than
// Options.MaxLag, Close returns an error and leaves the file open.
func (l *Log) Close() error {
	if !l.stopAccepting() {
		return ErrClosed
	}
	select {
	case <-l.ended:
	case <-time.After(l.opts.MaxLag):
		return fmt.Errorf("audit: close: %w", ErrBehind)
	}
	last := l.Last()
	l.mu.Lock()
	l.last = last
	l.mu.Unlock()
	var err error
	if l.kept != nil {
		<-l.kept
		if err = l.Checkpoint(); space.Lacks(err) {
			err = nil // the next start signs the lines
		}
	}
	return errors.Join(l.err, err, l.file.Close())
}
