package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// ErrCut is the error of calls that did not reach the Backend behind a Faulty.
var ErrCut = errors.New("the network is cut")

// A Fault is what happens to one commit of a Faulty Backend.
type Fault int

// The faults of a commit. All but None and Refused return [store.ErrUnknown].
const (
	None    Fault = iota
	Refused       // the commit is not made, and returns ErrCut
	Lost          // the commit is never made
	Silent        // the commit is made at once
	Late          // Release makes the commit
)

// Faulty is a Backend behind an unreliable network, as an engine in a cluster. Its methods may be called
// concurrently.
type Faulty struct {
	store.Backend
	// Next, if set, returns the fault of a commit and how long it takes. Delays that differ change the order of
	// commits. A fault that begins in Next, such as a Cut, concerns the calls after this commit.
	Next func(b store.Batch) (Fault, time.Duration)
	// TooOld, if set, reports whether the revision of a View disappears before its first read.
	TooOld func() bool
	// Patience is how long a commit waits for a paused Backend before it returns ErrUnknown.
	Patience time.Duration

	mu     sync.Mutex
	late   []store.Batch
	cut    bool
	paused chan struct{} // closed by Resume; nil unless paused
}

// Cut makes all Views and commits fail with ErrCut until it is called with false.
func (f *Faulty) Cut(cut bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = cut
}

// Pause makes all Views and commits wait for Resume. A commit that has waited for Patience becomes Late.
func (f *Faulty) Pause() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused == nil {
		f.paused = make(chan struct{})
	}
}

// Resume ends a Pause.
func (f *Faulty) Resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.paused != nil {
		close(f.paused)
		f.paused = nil
	}
}

// Release makes the commits that are late, in any order. It returns how many were made: the checks of the
// others did not hold.
func (f *Faulty) Release(ctx context.Context) (made int, err error) {
	f.mu.Lock()
	late := f.late
	f.late = nil
	f.mu.Unlock()
	rand.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	for _, b := range late {
		_, err := f.Backend.Commit(ctx, b)
		switch {
		case err == nil:
			made++
		case !errors.Is(err, store.ErrConflict):
			return made, err
		}
	}
	return made, nil
}

// View implements [store.Backend.View].
func (f *Faulty) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := f.reach(ctx, nil); err != nil {
		return err
	}
	if f.TooOld != nil && f.TooOld() {
		return f.Backend.View(ctx, func(r store.Reader) error { return fn(oldReader{r}) })
	}
	return f.Backend.View(ctx, fn)
}

// Commit implements [store.Backend.Commit].
func (f *Faulty) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if err := b.Validate(); err != nil {
		return 0, err
	}
	var patience <-chan time.Time
	if f.Patience > 0 {
		timer := time.NewTimer(f.Patience)
		defer timer.Stop()
		patience = timer.C
	}
	switch err := f.reach(ctx, patience); {
	case errors.Is(err, store.ErrUnknown):
		f.keep(b)
		return 0, err
	case err != nil:
		return 0, err
	}
	var fault Fault
	var delay time.Duration
	if f.Next != nil {
		fault, delay = f.Next(b)
	}
	time.Sleep(delay)
	switch fault {
	case Refused:
		return 0, ErrCut
	case Silent:
		if _, err := f.Backend.Commit(ctx, b); err != nil && !errors.Is(err, store.ErrConflict) {
			return 0, err
		}
	case Late:
		f.keep(b)
	case None:
		return f.Backend.Commit(ctx, b)
	}
	return 0, store.ErrUnknown
}

// keep holds a copy of a commit until Release.
func (f *Faulty) keep(b store.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = append(f.late, store.Batch{Checks: slices.Clone(b.Checks), Writes: slices.Clone(b.Writes)})
}

// reach waits while the Backend is paused. It returns ErrUnknown when patience ends, and ErrCut while the network
// is cut.
func (f *Faulty) reach(ctx context.Context, patience <-chan time.Time) error {
	f.mu.Lock()
	paused, cut := f.paused, f.cut
	f.mu.Unlock()
	if cut {
		return ErrCut
	}
	if paused == nil {
		return ctx.Err()
	}
	select {
	case <-paused:
		return f.reach(ctx, patience)
	case <-patience:
		return store.ErrUnknown
	case <-ctx.Done():
		return ctx.Err()
	}
}

// An oldReader is a View whose revision has disappeared.
type oldReader struct{ store.Reader }

func (oldReader) Get(...[]byte) ([]store.Item, error) { return nil, store.ErrTooOld }

func (oldReader) Scan([]byte, []byte, int) ([]store.Item, error) { return nil, store.ErrTooOld }
