package service

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// A sweeper carries out due changes in the background: it erases expired material, removes keys
// whose deletion date has passed, and rotates keys. No response depends on the sweeper, because
// key.At returns every key in its state at a given time. The sweeper brings the store to the
// same state, and destroys expired material. A rotation may come a little later than its date:
// until then the former material remains in use.
type sweeper struct {
	stop context.CancelFunc
	gone sync.WaitGroup
}

// sweepPause is the maximum time that a due change waits. sweepPage is the number of due
// changes that are read at a time.
const (
	sweepPause = time.Second
	sweepPage  = 100
)

func startSweeper(s *Service) *sweeper {
	ctx, stop := context.WithCancel(context.Background())
	w := &sweeper{stop: stop}
	w.gone.Go(func() { s.reclaimer(sleepWithin).Run(ctx) })
	w.gone.Go(func() { s.seals.Run(ctx) })
	w.gone.Go(func() { s.expiry.watcher.Run(ctx) })
	w.gone.Go(func() {
		tick := time.NewTicker(sweepPause)
		defer tick.Stop()
		for {
			if err := s.Sweep(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, space.ErrFull) {
				s.log.Error("a background change of keys failed; the server tries again", "error", err)
			}
			s.reportStrangers(time.Now())
			if s.materials.TakeErased() {
				runtime.GC() // erases what crypt.Secretly left on the heap
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return w
}

// ReclaimSlots carries out one round of the background: it erases the slots that no record names, and returns
// their number. It calls sleep for its pauses.
func (s *Service) ReclaimSlots(
	ctx context.Context, sleep func(context.Context, time.Duration) error,
) (erased int, err error) {
	return s.reclaimer(sleep).Round(ctx)
}

func (s *Service) reclaimer(sleep func(context.Context, time.Duration) error) *material.Reclaimer {
	return &material.Reclaimer{
		Vault: s.materials,
		Renew: s.journal.Renew,
		Note:  s.noteReclaimed,
		Mine:  func() bool { return s.full() == nil && s.sharing.Clock() == nil && s.sharing.Mine("slots") },
		Log:   s.log,
		Sleep: sleep,
		Most:  s.reclaimSlots,
	}
}

// noteReclaimed commits the erasure of slots that no record names, with an event.
func (s *Service) noteReclaimed(ctx context.Context, slots []string) error {
	account, err := s.Account(ctx)
	if err != nil {
		return err
	}
	e := serverEvent("ReclaimSlots", account, s.clock.Now())
	e.ServiceEventDetails = fmt.Appendf(nil, `{"slots":%d}`, len(slots))
	return s.journal.Update(ctx, func(tx *store.Tx) error { return records.NoteErasures(tx, slots) }, e)
}

// sleepWithin waits, or returns why the context has ended.
func sleepWithin(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *sweeper) close() {
	w.stop()
	w.gone.Wait()
}
