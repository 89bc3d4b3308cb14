package space

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Holder is a file that can keep space in reserve. Hold is called by one goroutine at a time.
type Holder interface {
	// Hold makes sure that this number of bytes can be written beyond the bytes in use. If there is not enough
	// space, Lacks reports true for the error.
	Hold(bytes int64) error
}

// lookEvery is the time between checks of the Holders. It is short enough that ordinary work cannot use up a
// reserve of a sensible size between two checks.
const lookEvery = 100 * time.Millisecond

// dwell is the shortest time for which a Keeper reports a full disk. Where space cannot be allocated in
// advance, only a failing write shows that the disk is full; dwell limits how often such writes are tried.
const dwell = 2 * time.Second

// A Keeper maintains a reserve in its Holders.
type Keeper struct {
	holders []Holder
	bytes   int64
	log     *slog.Logger
	full    atomic.Pointer[error]
	since   time.Time // when a Holder last lacked space
	warned  bool      // logged that space cannot be held for another reason

	stop context.CancelFunc
	gone sync.WaitGroup
}

// Keep returns a Keeper that holds this number of bytes in each Holder until Close. It checks all Holders
// before it returns.
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

// Close stops the Keeper. The reserve stays in the files for the next process.
func (k *Keeper) Close() {
	k.stop()
	k.gone.Wait()
}

// Full returns nil, or an ErrFull with its cause if the reserve is not complete. In the latter case, only work
// that may use the reserve should begin.
func (k *Keeper) Full() error {
	if full := k.full.Load(); full != nil {
		return *full
	}
	return nil
}

// look calls Hold on every Holder and logs when the result changes.
func (k *Keeper) look(now time.Time) {
	var lacking error
	for _, h := range k.holders {
		err := h.Hold(k.bytes)
		switch {
		case Lacks(err) || errors.Is(err, ErrFull):
			lacking = err
		case err != nil && !k.warned:
			k.warned = true
			k.log.Warn("disk space cannot be reserved: a full disk will stop all requests", "error", err)
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
	k.log.Error("the disk is full: requests are refused, except those that take rights away. "+
		"Free or add space on the volume of the data folder; the server then continues by itself", "error", cause)
}
