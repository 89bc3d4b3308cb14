package space

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Holder is a file that can hold space in reserve. One goroutine at a time calls Hold.
type Holder interface {
	// Hold makes sure that so many bytes can be written beyond those in use now. An
	// error that Lacks reports true for means that there is not enough space.
	Hold(bytes int64) error
}

// lookEvery is how often a Keeper looks at its Holders. A disk that has space again is
// noticed after this time; and faster than this no work can use up a reserve of a sensible
// size without having been seen.
const lookEvery = 100 * time.Millisecond

// dwell is how long a Keeper reports a full disk at least. Where space cannot be held, a
// disk is known to be full only by writes that fail: they are not tried more often.
const dwell = 2 * time.Second

// A Keeper keeps a reserve in its Holders.
type Keeper struct {
	holders []Holder
	bytes   int64
	log     *slog.Logger
	full    atomic.Pointer[error]
	since   time.Time // when a Holder last lacked space
	warned  bool      // that space cannot be held, for another reason

	stop context.CancelFunc
	gone sync.WaitGroup
}

// Keep returns a Keeper that holds so many bytes in each Holder until Close. It has looked
// at all of them once.
func Keep(log *slog.Logger, bytes int64, holders ...Holder) *Keeper {
	ctx, stop := context.WithCancel(context.Background())
	k := &Keeper{holders: holders, bytes: bytes, log: log, stop: stop}
	k.look(time.Now())
	k.gone.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				k.look(now)
			case <-ctx.Done():
				return
			}
		}
	})
	return k
}

// Close ends the looking. The reserve stays in the files, for the next process.
func (k *Keeper) Close() {
	k.stop()
	k.gone.Wait()
}

// Full returns nil, or an ErrFull with its cause while the reserve is not whole: then only
// work that may use the reserve may begin.
func (k *Keeper) Full() error {
	if full := k.full.Load(); full != nil {
		return *full
	}
	return nil
}

// look has every Holder hold its part, and writes a line into the log when the outcome
// changes.
func (k *Keeper) look(now time.Time) {
	var lacking error
	for _, h := range k.holders {
		err := h.Hold(k.bytes)
		switch {
		case Lacks(err) || errors.Is(err, ErrFull):
			lacking = err
		case err != nil && !k.warned:
			k.warned = true
			k.log.Warn("no disk space can be held in reserve: a full disk will stop all requests", "error", err)
		}
	}
	was := k.full.Load()
	switch {
	case lacking != nil:
		k.since = now
		if was == nil {
			k.fill(lacking)
		}
	case was != nil && now.Sub(k.since) >= dwell:
		k.full.Store(nil)
		k.log.Info("the disk has space again: all requests are served")
	}
}

func (k *Keeper) fill(cause error) {
	full := Full(cause)
	k.full.Store(&full)
	k.log.Error("the disk is full: requests are refused, but for those that take rights away. "+
		"Free or add space on the volume of the data folder; the server then goes on by itself", "error", cause)
}
