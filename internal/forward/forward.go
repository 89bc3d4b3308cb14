package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/transparency"
)

// The sizes and times of a Forwarder.
const (
	maxLines    = 1000             // of a batch
	maxBytes    = 1 << 20          // of a batch, except the last line
	keepEvery   = time.Second      // between two writes of the position
	longestWait = time.Minute      // after many failures
	sendTime    = 30 * time.Second // of a batch
	reportEvery = 10 * time.Minute // while the receiver is behind
)

// A pace has the times of a Forwarder that tests shorten.
type pace struct {
	look   time.Duration // between looks for new lines
	settle time.Duration // until lines count as received, if the receiver does not acknowledge
	pause  time.Duration // after the first failure
}

func standardPace() pace {
	return pace{look: time.Second / 2, settle: 5 * time.Second, pause: time.Second}
}

// A Line is a line of a log, without a newline, and its index.
type Line struct {
	Index int64
	Text  []byte
}

// A Target is a receiver of lines. One goroutine uses it.
type Target interface {
	// Send sends lines in order. Without lines, it only reports whether the receiver is still there.
	Send(ctx context.Context, lines []Line) error
	// Acknowledges reports whether the receiver has kept the lines when Send returns nil.
	Acknowledges() bool
	// String returns the name of the target, without secrets.
	String() string
	// Close ends the connection.
	Close() error
}

// A Config configures a Forwarder.
type Config struct {
	Log      transparency.Reader
	Origin   string // of the log
	Target   Target
	Position string // file of the position, in the data folder
	Logger   *slog.Logger
}

// A Forwarder sends the lines of one log to one target.
type Forwarder struct {
	Config
	pace      pace
	next      mark                  // after the lines that were sent
	sent      []mark                // lines that may still be lost, if the target does not acknowledge
	confirmed mark                  // after the lines that were received
	first     atomic.Int64          // index of the first line that may not have been received
	kept      atomic.Int64          // the position in the file
	keptAt    time.Time             // when the file was written
	failing   time.Time             // when the first of a row of failures was
	failed    atomic.Pointer[error] // of the last attempt; nil before it
	reported  time.Time             // when the lag was reported
	failures  int                   // in a row
	goal      mark                  // the end of the log at a time; the receiver did not have all of its lines then
	since     atomic.Int64          // nanoseconds; the receiver had all lines that were written before this time

	read func() ([]byte, error, bool) // returns the next line; nil unless the log is being read
	stop func()                       // ends reading
}

// A mark is a place in the log: the lines before index end, the last of which has a hash. at is when they were sent.
type mark struct {
	end  int64
	last tlog.Hash
	at   time.Time
}

// New returns a Forwarder that continues where the last one with this target ended. A new target gets all lines that
// the log still has.
func New(ctx context.Context, c Config) (*Forwarder, error) {
	f := &Forwarder{Config: c, pace: standardPace()}
	if err := f.readPosition(ctx); err != nil {
		return nil, err
	}
	f.next = f.confirmed
	f.kept.Store(f.confirmed.end)
	f.first.Store(f.confirmed.end)
	f.goal.at = time.Now()
	f.aim(f.goal.at)
	return f, nil
}

// Failing returns why the receiver does not take lines, or nil.
func (f *Forwarder) Failing() error {
	if last := f.failed.Load(); last != nil {
		return *last
	}
	return nil
}

// Run sends lines until ctx ends.
func (f *Forwarder) Run(ctx context.Context) {
	for ctx.Err() == nil {
		pause := f.pace.look
		more, err := f.step(ctx)
		if ctx.Err() != nil {
			break
		}
		f.note(err)
		if err != nil {
			pause = f.pause()
		}
		if err == nil && more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	f.close()
	if err := errors.Join(f.keep(true), f.Target.Close()); err != nil {
		f.Logger.Warn("the end of forwarding the audit log", "error", err)
	}
}

// step sends one batch, and reports whether there may be more lines.
func (f *Forwarder) step(ctx context.Context) (more bool, err error) {
	batch, err := f.batch(ctx)
	if err != nil {
		return false, f.back(err)
	}
	sending, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	if err := f.Target.Send(sending, batch); err != nil {
		return false, f.back(err)
	}
	if n := len(batch); n > 0 {
		f.next = mark{end: batch[n-1].Index + 1, last: transparency.Leaf(batch[n-1].Text)}
	}
	f.settle(time.Now())
	f.aim(time.Now())
	return len(batch) > 0, f.keep(false)
}

// back lets the next step send again what may be lost.
func (f *Forwarder) back(err error) error {
	f.close()
	f.next, f.sent = f.confirmed, nil
	return err
}

// batch returns the next lines. It continues to read where the batch before ended.
func (f *Forwarder) batch(ctx context.Context) (lines []Line, err error) {
	if f.read == nil {
		if f.Log.Size() == f.next.end {
			return nil, nil
		}
		f.read, f.stop = iter.Pull2(f.Log.Lines(ctx, f.next.end))
	}
	for size := 0; len(lines) < maxLines && size < maxBytes; {
		text, err, ok := f.read()
		switch {
		case !ok:
			f.close()
			return lines, nil
		case errors.Is(err, transparency.ErrDeleted):
			f.skip()
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		lines = append(lines, Line{f.next.end + int64(len(lines)), bytes.Clone(text)})
		size += len(text)
	}
	return lines, nil
}

// close ends reading.
func (f *Forwarder) close() {
	if f.read != nil {
		f.stop()
		f.read, f.stop = nil, nil
	}
}

// skip continues after lines that were deleted before they were sent.
func (f *Forwarder) skip() {
	f.close()
	first := f.Log.First()
	f.Logger.Error("lines of the audit log were deleted before they were forwarded", "target", f.Target.String(),
		"first", f.next.end, "lines", first-f.next.end)
	f.next = mark{end: first}
}

// settle confirms the lines that the receiver has by now.
func (f *Forwarder) settle(now time.Time) {
	f.next.at = now
	if f.Target.Acknowledges() {
		f.confirm(f.next)
		return
	}
	// Marks that are close in time are one mark, so that their number has a bound.
	if n := len(f.sent); n > 1 && f.sent[n-1].at.Sub(f.sent[n-2].at) < f.pace.settle/5 {
		f.sent = f.sent[:n-1]
	}
	f.sent = append(f.sent, f.next)
	for len(f.sent) > 0 && now.Sub(f.sent[0].at) >= f.pace.settle {
		f.confirm(f.sent[0])
		f.sent = f.sent[1:]
	}
}

func (f *Forwarder) confirm(m mark) {
	f.confirmed = m
	f.first.Store(m.end)
}

// pause returns how long to wait after a failure: twice as long as the time before, with a random part, so that many
// nodes do not return at once.
func (f *Forwarder) pause() time.Duration {
	d := min(f.pace.pause<<min(f.failures, 10), longestWait)
	f.failures++
	return d/2 + rand.N(d/2+1)
}

// note logs the first failure of a row, the success after it, and how far a slow receiver is behind.
func (f *Forwarder) note(err error) {
	now := time.Now()
	f.failed.Store(&err)
	switch {
	case err != nil && f.failing.IsZero():
		f.failing, f.reported = now, now
		f.Logger.Error("the audit log is not forwarded", "target", f.Target.String(), "lag", f.Lag(), "cause", err)
	case err == nil && !f.failing.IsZero():
		f.Logger.Info("the audit log is forwarded again", "target", f.Target.String(), "lag", f.Lag(),
			"after", now.Sub(f.failing).Round(time.Second).String())
		f.failing, f.failures = time.Time{}, 0
	case err == nil && f.Stats().Behind >= reportEvery && now.Sub(f.reported) >= reportEvery:
		f.reported = now
		f.Logger.Warn("the second device of the audit log is behind", "target", f.Target.String(), "lag", f.Lag(),
			"behind", f.Stats().Behind.Round(time.Second).String())
	case err != nil && now.Sub(f.reported) >= reportEvery:
		f.reported = now
		f.Logger.Warn("the audit log is still not forwarded", "target", f.Target.String(), "lag", f.Lag(), "cause", err)
	}
}

// maxPosition limits the size of the file of the position, in bytes.
const maxPosition = 4 << 10

// readPosition reads where to continue.
func (f *Forwarder) readPosition(ctx context.Context) error {
	f.confirmed = mark{end: f.Log.First()}
	text, err := os.ReadFile(f.Position)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 5 || len(text) > maxPosition {
		return f.noPosition()
	}
	end, err := strconv.ParseInt(lines[2], 10, 64)
	last, err2 := tlog.ParseHash(lines[3])
	if err != nil || err2 != nil || end < 0 {
		return f.noPosition()
	}
	if lines[0] != f.Target.String() || lines[1] != f.Origin || end <= f.confirmed.end {
		return nil
	}
	same, err := f.has(ctx, end-1, last)
	if same {
		f.confirmed = mark{end: end, last: last}
	}
	return err
}

func (f *Forwarder) noPosition() error {
	return fmt.Errorf("%s does not have the position of a forwarder: remove the file to forward the whole log", f.Position)
}

// has reports whether the log has the line that was sent. A loss of power can take the newest lines from the log, and
// their indexes then belong to other lines.
func (f *Forwarder) has(ctx context.Context, index int64, hash tlog.Hash) (bool, error) {
	for line, err := range f.Log.Lines(ctx, index) {
		return err == nil && transparency.Leaf(line) == hash, err
	}
	return false, nil
}

// keep writes the position, at most once a second unless now is set.
func (f *Forwarder) keep(now bool) error {
	if f.confirmed.end == f.kept.Load() || !now && time.Since(f.keptAt) < keepEvery {
		return nil
	}
	text := fmt.Sprintf("%s\n%s\n%d\n%s\n", f.Target.String(), f.Origin, f.confirmed.end, f.confirmed.last)
	if err := durable.ReplaceFile(f.Position, []byte(text)); err != nil {
		return fmt.Errorf("keep the position of forwarding: %w", err)
	}
	f.kept.Store(f.confirmed.end)
	f.keptAt = time.Now()
	return nil
}
