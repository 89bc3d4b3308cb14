package backup

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

var (
	// ErrBusy means that a server makes another backup.
	ErrBusy = errors.New("the server makes another backup")

	// ErrTooLong means that a client took too long to read a backup.
	ErrTooLong = errors.New("the backup was ended, because a store keeps old revisions for a limited time")
)

// ErrGrown means that changes took too much new space while the backup was made.
var ErrGrown = errors.New("the backup was ended, because the changes meanwhile took too much new space in the store: " +
	"make it when there are fewer changes, or give the volume more space")

// MaxTime is how long a backup of a server may take. A Backend holds a revision for an hour, and the file of the
// embedded store grows while an old revision is read.
const MaxTime = 50 * time.Minute

// A Maker makes the backups of a server that serves, one at a time.
type Maker struct {
	source Source
	log    *slog.Logger
	place  chan struct{} // has the backup that is being made
	life   context.Context
	end    context.CancelFunc
	making sync.WaitGroup
}

// NewMaker returns a Maker. The caller closes it before the Backend.
func NewMaker(s Source, log *slog.Logger) *Maker {
	m := &Maker{source: s, log: log, place: make(chan struct{}, 1)}
	m.life, m.end = context.WithCancel(context.Background())
	return m
}

// Close ends the backup that is being made, and waits for its end.
func (m *Maker) Close() {
	m.end()
	m.place <- struct{}{} // no backup begins any more
	m.making.Wait()
}

// Busy reports whether a backup is being made.
func (m *Maker) Busy() bool { return len(m.place) > 0 }

// ErrNotApproved means that a recipient needs algorithms that are not approved.
var ErrNotApproved = errors.New("in FIPS mode, all recipients must be recipients of HPKE")

// Prepare returns a backup that is made when it is started.
func (m *Maker) Prepare(o Options) (*Stream, error) {
	for _, r := range o.Recipients {
		if m.source.ApprovedOnly && !r.Approved() {
			return nil, ErrNotApproved
		}
	}
	s := &Stream{maker: m, options: o}
	s.out, s.in = io.Pipe()
	return s, nil
}

// A Stream is a backup that is made while it is read.
type Stream struct {
	maker   *Maker
	options Options
	out     *io.PipeReader
	in      *io.PipeWriter
	cancel  context.CancelFunc
	done    chan struct{}
}

// Start begins the backup. It returns ErrBusy if another one is being made.
func (s *Stream) Start() error {
	m := s.maker
	select {
	case m.place <- struct{}{}:
	default:
		return ErrBusy
	}
	var ctx context.Context
	ctx, s.cancel = context.WithTimeoutCause(m.life, MaxTime, ErrTooLong)
	s.done = make(chan struct{})
	m.making.Go(func() {
		defer close(s.done)
		defer func() { <-m.place }()
		s.run(ctx)
	})
	return nil
}

func (s *Stream) run(ctx context.Context) {
	began := time.Now()
	stop := context.AfterFunc(ctx, func() { s.out.CloseWithError(context.Cause(ctx)) })
	defer stop()
	var t Trailer
	grows, err := s.maker.source.limitGrowth()
	if err == nil {
		rest := pace()
		s.options.Page = func(ctx context.Context, n int64) error { return errors.Join(grows(), rest(ctx, n)) }
		t, err = Make(ctx, s.maker.source, s.options, s.in)
	}
	if err != nil {
		s.in.CloseWithError(err)
		s.maker.log.Error("a backup was not finished", "error", err, "records", t.Records)
		return
	}
	s.in.Close()
	s.maker.log.Info("a backup was made", "records", t.Records, "slots", t.Slots, "missing", t.Missing,
		"seconds", int(time.Since(began).Seconds()))
}

// Read reads the backup. A backup that fails ends with an error, and never with io.EOF.
func (s *Stream) Read(b []byte) (int, error) { return s.out.Read(b) }

// Close ends the backup, if it has not ended.
func (s *Stream) Close() error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	<-s.done
	return nil
}

// pace returns a function that rests after each page for as long as the page took, so that a backup uses at most half
// of a processor.
func pace() func(context.Context, int64) error {
	began := time.Now()
	return func(ctx context.Context, _ int64) error {
		select {
		case <-time.After(time.Since(began)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		began = time.Now()
		return nil
	}
}
