// Package audit writes one event per decision before its answer leaves the server.
//
// It does not decide what an event says, keeps no outbox and signs nothing: it
// turns an Event into one line and brings lines, in order, to a file that only
// grows. Write is for reads and refusals and waits for write(2); Append is for
// changes, whose event already lies in the transaction that made them. After a
// failed write or fsync a Log acknowledges nothing more: what the disk holds is
// not known until the file has been opened again. A write that failed for lack of
// space is the exception, because its outcome is known: the Log cuts the file back,
// refuses events, and tries again until there is space.
package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrBehind means that the file does not keep up; it may recover.
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

// Discard is a File that keeps nothing, for a server in memory.
type Discard struct{}

// Write takes p and forgets it.
func (Discard) Write(p []byte) (int, error) { return len(p), nil }

// Sync does nothing.
func (Discard) Sync() error { return nil }

// Truncate does nothing.
func (Discard) Truncate(int64) error { return nil }

// Close does nothing.
func (Discard) Close() error { return nil }

// Options says how a Log goes about its work. The zero value is usable.
type Options struct {
	Always     bool             // fsync before Write returns, not just write(2)
	FsyncEvery time.Duration    // an fsync begins this long after the first line it is for; 0: 10 ms
	MaxLag     time.Duration    // a line older than this and not yet fsynced makes the log unhealthy; 0: 3 s
	MaxWait    time.Duration    // Write gives up after this; 0: 2.5 s, so that a request still ends within 3 s
	Now        func() time.Time // monotonic, never a clock that an operator may move; nil: time.Now
	Failed     func(error)      // called once, in a goroutine of its own, on the first failure; may be nil
}

func (o Options) withDefaults() Options {
	o.FsyncEvery = cmp.Or(o.FsyncEvery, 10*time.Millisecond)
	o.MaxLag = cmp.Or(o.MaxLag, 3*time.Second)
	o.MaxWait = cmp.Or(o.MaxWait, 2500*time.Millisecond)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// A Log brings events to a file. All its methods may be called concurrently.
type Log struct {
	file File
	opts Options
	past past

	lines sync.Pool // *[]byte, in which Write makes a line

	mu      sync.Mutex
	end     int64    // where the next line begins in the file, those that are queued included
	open    []*batch // all that is not fsynced, in the order of the file
	written int      // so many of open have been accepted by write(2)
	filling *batch   // the last of open while it still takes lines
	spare   []byte   // of a batch that was written, for the lines of another
	err     error    // the first failure; it stays
	lacking error    // why the writer waits for space, nil if it does not
	closed  bool

	length int64 // bytes that write(2) accepted; only the writer uses it
	room   room

	wake    chan struct{} // to the writer: filling has begun
	dirty   chan struct{} // to the syncer: written has grown
	closing chan struct{}
	ended   chan struct{} // both goroutines are done
}

// New returns a Log that owns f, which holds nothing that matters.
func New(f File, o Options) *Log {
	return newLog(f, past{lines: io.NewSectionReader(bytes.NewReader(nil), 0, 0)}, o)
}

func newLog(f File, p past, o Options) *Log {
	l := &Log{
		file: f, opts: o.withDefaults(), past: p, end: p.lines.Size(), length: p.lines.Size(),
		lines:   sync.Pool{New: func() any { return new([]byte) }},
		wake:    make(chan struct{}, 1),
		dirty:   make(chan struct{}, 1),
		closing: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	go l.writer()
	go l.syncer()
	return l
}

// Write queues e and returns nil once write(2), or with Options.Always fsync,
// has accepted its line. On an error the event may be in the file or not, and
// the answer it is about must not be given. It never waits longer than
// Options.MaxWait, or than ctx allows.
func (l *Log) Write(ctx context.Context, e Event) error {
	room := l.lines.Get().(*[]byte)
	defer l.lines.Put(room)
	line, err := e.appendLine((*room)[:0])
	if err != nil {
		return err
	}
	*room = line // which has grown, if it had to
	for {
		b, joined, err := l.join(line)
		if err != nil {
			return err
		}
		if !b.soon() {
			err = l.await(ctx, b)
		}
		if errors.Is(err, ErrBehind) {
			err = cmp.Or(l.full(), err)
		}
		if err != nil {
			return fmt.Errorf("audit: event %s: %w", e.EventID, err)
		}
		if joined {
			return b.err
		}
	}
}

// Append queues a line of Event.Line and does not wait. After the fsync that
// covers the line it calls synced, which may be nil and must be quick; if the
// log fails first, synced is never called. Append ignores the bound of the
// queue and a full disk, because what it brings has happened already.
func (l *Log) Append(line []byte, synced func()) error {
	if len(line) < 2 || bytes.IndexByte(line, '\n') != len(line)-1 {
		return errors.New("audit: not exactly one line")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil {
		return err
	}
	l.add(l.fill(), line, synced)
	return nil
}

// Healthy returns nil, or why nothing that needs an event may be begun: the log
// has failed or is closed, which stays so, or it is ErrBehind or space.ErrFull.
func (l *Log) Healthy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(); err != nil || l.lacking != nil {
		return cmp.Or(err, l.lacking)
	}
	if len(l.open) == 0 {
		return nil
	}
	if lag := l.opts.Now().Sub(l.open[0].since); lag > l.opts.MaxLag {
		return fmt.Errorf("%w by %v", ErrBehind, lag)
	}
	return nil
}

// End returns the offset at which, or after which, the next event will begin in
// the file.
func (l *Log) End() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Since calls fn with the ID of each event that the file held when it was opened,
// all of which are on the disk, from an offset on; an End from before the opening
// is one. Of what has been added it knows nothing. A line that cannot be read is
// ErrUnreadable.
func (l *Log) Since(from int64, fn func(id string)) error { return l.past.since(from, fn) }

// Revision returns the newest stamp in the file when it was opened, 0 if no line had
// one: the store had reached that revision, at least.
func (l *Log) Revision() int64 { return l.past.revision }

// Blank reports whether the file held no event when it was opened.
func (l *Log) Blank() bool { return l.past.lines.Size() == 0 }

// Torn returns how many bytes Open removed that a power failure or a full disk
// had torn.
func (l *Log) Torn() int64 { return l.past.torn }

// Close writes and fsyncs what is queued and closes the file. It waits at most
// Options.MaxLag for that; the file then stays open.
func (l *Log) Close() error {
	if !l.shut() {
		return ErrClosed
	}
	select {
	case <-l.ended:
	case <-time.After(l.opts.MaxLag):
		return fmt.Errorf("audit: close: %w", ErrBehind)
	}
	return errors.Join(l.err, l.file.Close())
}
