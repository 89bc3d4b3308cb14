package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrNotMade means that the store lost a change: it was not made and will not be.
var ErrNotMade = errors.New("the store lost the change, which was not made")

// errTooManyUnknown refuses a change before its commit.
var errTooManyUnknown = errors.New("the store has not told the outcome of too many changes")

const (
	maxUnresolved = 1000            // changes whose outcome is being found out
	patience      = 5 * time.Second // how long Update waits for an outcome
	firstPause    = 10 * time.Millisecond
	longestPause  = time.Second
)

// Results of a transaction that finds an outcome, besides nil: the void was committed.
var (
	errMade = errors.New("the change was made")
	errVoid = errors.New("the change has a void record already")
)

// resolve finds out whether a change was made whose outcome the store did not tell, and writes its
// events to the log if so. It returns nil, ErrNotMade, or store.ErrUnknown if the outcome cannot be
// found out, or not soon: then resolve goes on in the background.
func (j *Journal) resolve(ctx context.Context, c carried, doubt *store.Doubt) error {
	result, left := make(chan error), make(chan struct{})
	j.unresolved.Add(1)
	j.resolving.Go(func() {
		defer j.unresolved.Add(-1)
		err := j.outcome(c.path(0))
		if err == nil || errors.Is(err, ErrNotMade) {
			doubt.Resolved()
		}
		if err == nil {
			j.relay(c, j.removeRenewing)
		}
		select {
		case result <- err:
		case <-left:
			if err == nil {
				j.late.Store(true)
			}
		}
	})
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-result:
		return err
	case <-timer.C:
	case <-ctx.Done():
	}
	close(left)
	return store.ErrUnknown
}

// outcome finds out whether the change was made whose first event has the path, and makes sure that
// it is not made later. It tries again until the store answers or the Journal is closed.
func (j *Journal) outcome(path string) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		doubt, err := j.store.UpdateOnce(j.life, func(tx *store.Tx) error { return j.void(tx, path) })
		switch {
		case doubt != nil:
			doubt.Resolved() // nobody caches records of the outbox
		case errors.Is(err, errMade):
			return nil
		case err == nil || errors.Is(err, errVoid):
			j.Clean(j.removeRenewing(path))
			return ErrNotMade
		case errors.Is(err, ErrFenced), errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrFailed):
			return fmt.Errorf("%w: %w", store.ErrUnknown, err)
		}
		select {
		case <-time.After(pause):
		case <-j.life.Done():
			return store.ErrUnknown
		}
	}
}

// void writes a void record in the place of an event that is absent. The change of the event, which
// checks that the record is absent, conflicts from then on. The fence is checked too: a process that
// took over this node may have removed the event.
func (j *Journal) void(tx *store.Tx, path string) error {
	e, ok, err := records.Outbox.Get(tx, path)
	switch {
	case err != nil:
		return err
	case ok && e.Void:
		return errVoid
	case ok:
		return errMade
	}
	if err := j.readFence(tx); err != nil {
		return err
	}
	return records.Outbox.Put(tx, path, records.PendingEvent{Void: true})
}

// removeRenewing returns a removal of a record whose change, or void, may still be on its way to the
// store. The same transaction writes the fence anew, so a commit that comes later conflicts. A process
// that is fenced leaves the record to the process that took over.
func (j *Journal) removeRenewing(path string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		if err := j.readFence(tx); errors.Is(err, ErrFenced) {
			return nil
		} else if err != nil {
			return err
		}
		return errors.Join(
			records.Fences.Put(tx, j.node, records.Fence{Incarnation: j.incarnation}),
			records.Outbox.Delete(tx, path))
	}
}

// TakeLate reports whether an outcome was found, since the last call of TakeLate, that the caller of
// Update did not wait for. The work that the caller does after a change may be left to do.
func (j *Journal) TakeLate() bool { return j.late.Swap(false) }
