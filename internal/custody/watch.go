package custody

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/seal"
)

// WatchPeriod is the time between two proofs of a server's custody. A proof of a key file only reads a small file, so
// it comes after each keyFilePeriod.
const (
	WatchPeriod   = time.Minute
	keyFilePeriod = 3 * time.Second
)

// A Watch proves a custody again and again, and logs when it begins to fail and when it works again.
type Watch struct {
	root  func() seal.Root
	every time.Duration
	log   *slog.Logger
	late  <-chan error // of a proof that exceeded the limit, or nil
	state atomic.Pointer[State]
}

// A State is what a Watch knows of a custody.
type State struct {
	Custody string    // Root.ID
	Proved  time.Time // by the last proof that succeeded
	Since   time.Time // the custody works, or fails, since then
	Err     error     // of the last proof; nil if it succeeded
}

// NewWatch returns the Watch of the custody that root returns, which was proved at this moment. It proves the custody
// again after each time every. A server can move to another custody meanwhile.
func NewWatch(root func() seal.Root, every time.Duration, log *slog.Logger) *Watch {
	w := &Watch{root: root, every: every, log: log}
	now := time.Now()
	w.state.Store(&State{Custody: root().ID(), Proved: now, Since: now})
	return w
}

// State returns the state of the custody.
func (w *Watch) State() State { return *w.state.Load() }

// Run proves the custody until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.pause()):
		}
		if err := w.prove(ctx); ctx.Err() == nil {
			w.note(err, time.Now())
		}
	}
}

// pause returns the time until the next proof.
func (w *Watch) pause() time.Duration {
	if strings.HasPrefix(w.root().ID(), KeyFileKind+":") {
		return min(w.every, keyFilePeriod)
	}
	return w.every
}

// prove proves the custody. At most one proof runs at a time, also if it exceeds the limit.
func (w *Watch) prove(ctx context.Context) error {
	if w.late != nil {
		select {
		case <-w.late:
		default:
			return errSilent
		}
	}
	w.late = begin(w.root(), again)
	err := within(ctx, w.late)
	if err != errSilent {
		w.late = nil
	}
	return err
}

// note keeps the result of a proof, and logs a change.
func (w *Watch) note(err error, now time.Time) {
	old := w.State()
	s := State{Custody: w.root().ID(), Proved: old.Proved, Since: old.Since, Err: err}
	if err == nil {
		s.Proved = now
	}
	if (err == nil) != (old.Err == nil) {
		s.Since = now
	}
	w.state.Store(&s)
	switch {
	case err != nil && old.Err == nil:
		w.log.Error("the custody of the root key does not work any more: the server goes on serving, but cannot start again "+
			"before it works", "custody", s.Custody, "error", err)
	case err == nil && old.Err != nil:
		w.log.Info("the custody of the root key works again", "custody", s.Custody,
			"failed", now.Sub(old.Since).Round(time.Second))
	}
}
