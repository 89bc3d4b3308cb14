package storetest

import (
	"context"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// A watcher is a running Watch of a Faulty.
type watcher struct {
	deaf bool // nothing more is told
	end  context.CancelCauseFunc
}

// Deafen makes all running watches silent for ever, as if their connections had died without notice. New watches
// work.
func (f *Faulty) Deafen() {
	f.network.set(func(n *network) {
		for w := range n.watches {
			w.deaf = true
		}
	})
}

// SilenceWatches makes all watches silent until it is called with false. Then they go on where they stopped. Views and
// commits work meanwhile.
func (f *Faulty) SilenceWatches(silent bool) { f.network.set(func(n *network) { n.silent = silent }) }

// LoseProgress makes all watches leave out the changes without keys.
func (f *Faulty) LoseProgress(lost bool) { f.network.set(func(n *network) { n.terse = lost }) }

// Break ends all running watches with an error, such as [store.ErrCompacted].
func (f *Faulty) Break(err error) {
	f.network.set(func(n *network) {
		for w := range n.watches {
			w.end(err)
		}
	})
}

// Watch implements [store.Backend.Watch].
func (f *Faulty) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	if err := f.network.send(ctx, nil); err != nil {
		return err
	}
	within, end := context.WithCancelCause(ctx)
	defer end(nil)
	w := &watcher{end: end}
	f.network.set(func(n *network) {
		if n.watches == nil {
			n.watches = map[*watcher]bool{}
		}
		n.watches[w] = true
	})
	defer f.network.set(func(n *network) { delete(n.watches, w) })
	err := f.watch(within, w, after, func(c store.Change) error {
		if len(c.Keys) == 0 && f.network.isTerse() {
			return nil
		}
		return fn(c)
	})
	if within.Err() != nil && ctx.Err() == nil {
		return context.Cause(within)
	}
	return err
}

func (n *network) isTerse() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.terse
}

// A sent is a change on its way to a watcher.
type sent struct {
	store.Change
	due time.Time
}

// watch delivers the changes of the Backend when they are due, and when the network lets them pass.
func (f *Faulty) watch(ctx context.Context, w *watcher, after int64, fn func(store.Change) error) error {
	if f.Lag == nil {
		return f.Backend.Watch(ctx, after, func(c store.Change) error {
			if err := f.network.deliver(ctx, w); err != nil {
				return err
			}
			return fn(c)
		})
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	way, ended := make(chan sent, store.FeedSize), make(chan error, 1)
	go func() {
		ended <- f.Backend.Watch(ctx, after, func(c store.Change) error {
			select {
			case way <- sent{c, time.Now().Add(f.Lag())}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		close(way)
	}()
	for c := range way {
		time.Sleep(time.Until(c.due))
		if err := f.network.deliver(ctx, w); err != nil {
			return err
		}
		if err := fn(c.Change); err != nil {
			return err
		}
	}
	return <-ended
}
