package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// ErrCut is the error of calls that did not reach the Backend behind a Faulty.
var ErrCut = errors.New("the network is cut")

// A network is the way between a Faulty and its Backend. The zero value works in both directions.
type network struct {
	mu      sync.Mutex
	cut     bool          // nothing passes
	mute    bool          // requests pass, and answers wait
	paused  bool          // everything waits
	silent  bool          // watches tell nothing
	terse   bool          // watches leave out the changes without keys
	changed chan struct{} // closed when a member above changes; may be nil

	watches map[*watcher]bool
}

// Cut makes all Views and commits fail with ErrCut until it is called with false. Watches stay open and silent. The
// answers of commits that have reached the Backend are lost.
func (f *Faulty) Cut(cut bool) { f.network.set(func(n *network) { n.cut = cut }) }

// Mute cuts one direction until it is called with false: Views, commits and watches reach the Backend, but nothing
// comes back.
func (f *Faulty) Mute(mute bool) { f.network.set(func(n *network) { n.mute = mute }) }

// Pause makes all calls wait for Resume, before they reach the Backend and when they come back, as if the node or the
// Backend was stopped. A commit that has waited for Patience before it reached the Backend becomes Late.
func (f *Faulty) Pause() { f.network.set(func(n *network) { n.paused = true }) }

// Resume ends a Pause.
func (f *Faulty) Resume() { f.network.set(func(n *network) { n.paused = false }) }

func (n *network) set(change func(n *network)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// send waits until a request reaches the Backend. It returns ErrUnknown when patience ends, and ErrCut while the
// network is cut.
func (n *network) send(ctx context.Context, patience <-chan time.Time) error {
	cut := false
	err := n.wait(ctx, patience, func() bool {
		cut = n.cut
		return n.paused && !n.cut
	})
	if cut {
		return ErrCut
	}
	return err
}

// receive waits until an answer comes back. Patience may be nil.
func (n *network) receive(ctx context.Context, patience <-chan time.Time) error {
	cut := false
	err := n.wait(ctx, patience, func() bool {
		cut = n.cut
		return (n.paused || n.mute) && !n.cut
	})
	if cut {
		return ErrCut
	}
	return err
}

// deliver waits until a watcher gets what the Backend tells.
func (n *network) deliver(ctx context.Context, w *watcher) error {
	return n.wait(ctx, nil, func() bool { return n.cut || n.mute || n.paused || n.silent || w.deaf })
}

// wait waits while blocked is true, which is called with n.mu.
func (n *network) wait(ctx context.Context, patience <-chan time.Time, blocked func() bool) error {
	for {
		n.mu.Lock()
		b := blocked()
		if n.changed == nil {
			n.changed = make(chan struct{})
		}
		changed := n.changed
		n.mu.Unlock()
		if !b {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-patience:
			return store.ErrUnknown
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
