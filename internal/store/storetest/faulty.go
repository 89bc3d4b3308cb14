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

// Faulty is the Backend that one node reaches through an unreliable network. Several nodes have one
// Faulty each, around the same Backend. Its methods may be called concurrently.
type Faulty struct {
	store.Backend
	// Next, if set, returns the fault of a commit and how long it takes. Delays that differ change the order of
	// commits. A fault that begins in Next, such as a Cut, concerns the calls after this commit, and its answer.
	Next func(b store.Batch) (Fault, time.Duration)
	// TooOld, if set, reports whether the revision of a View disappears before its first read.
	TooOld func() bool
	// Latency, if set, returns how long each read of a View takes, after the View has chosen its revision.
	Latency func() time.Duration
	// Lag, if set, returns how long a change is on its way to a watcher. No change overtakes another one on the
	// way to the same watcher, but a View or another watcher may see the change earlier or later.
	Lag func() time.Duration
	// Patience is how long a commit waits for a paused Backend, or for its answer, before it returns ErrUnknown.
	// Without it, a commit waits for a paused Backend as long as its context lives.
	Patience time.Duration

	mu      sync.Mutex
	late    []store.Batch
	network network
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
	switch err := f.network.send(ctx, patience); {
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
		return f.commit(ctx, b, patience)
	}
	return 0, store.ErrUnknown
}

// commit makes a commit whose answer may be lost.
func (f *Faulty) commit(ctx context.Context, b store.Batch, patience <-chan time.Time) (int64, error) {
	rev, err := f.Backend.Commit(ctx, b)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return 0, err
	}
	if f.network.receive(ctx, patience) != nil {
		return 0, store.ErrUnknown
	}
	return rev, err
}

// keep holds a copy of a commit until Release.
func (f *Faulty) keep(b store.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = append(f.late, store.Batch{Checks: slices.Clone(b.Checks), Writes: slices.Clone(b.Writes)})
}
