package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// leftovers are records that have served: events that are on disk in the audit
// log, notes of erasures that were carried out. They are removed together, a
// bounded number in a transaction, and nobody waits for it.
type leftovers struct {
	store *store.Store
	log   *slog.Logger

	mu      sync.Mutex
	removal []func(*store.Tx) error

	due  chan struct{} // there is enough for a transaction
	done chan struct{} // closed to end
	gone sync.WaitGroup
}

// leftoverBatch is how many records one transaction removes, below the bound of
// a Batch; leftoverPause is the longest that one waits for company.
const (
	leftoverBatch = 64
	leftoverPause = time.Second
)

func newLeftovers(s *store.Store, log *slog.Logger) *leftovers {
	l := &leftovers{store: s, log: log, due: make(chan struct{}, 1), done: make(chan struct{})}
	l.gone.Go(l.clean)
	return l
}

// remove has a record removed: delete deletes it in a transaction.
func (l *leftovers) remove(delete func(*store.Tx) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.removal = append(l.removal, delete); len(l.removal) >= leftoverBatch {
		select {
		case l.due <- struct{}{}:
		default:
		}
	}
}

func (l *leftovers) clean() {
	tick := time.NewTicker(leftoverPause)
	defer tick.Stop()
	for {
		select {
		case <-l.due:
		case <-tick.C:
		case <-l.done:
			return
		}
		if err := l.removeAll(); err != nil && !errors.Is(err, space.ErrFull) {
			l.log.Error("remove records that have served", "error", err)
		}
	}
}

// removeAll leaves what it cannot remove for the next time.
func (l *leftovers) removeAll() error {
	for {
		l.mu.Lock()
		batch := l.removal[:min(len(l.removal), leftoverBatch)]
		l.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		err := l.store.Update(context.Background(), func(tx *store.Tx) error {
			for _, delete := range batch {
				if err := delete(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.removal = l.removal[len(batch):]
		l.mu.Unlock()
	}
}

func (l *leftovers) close() error {
	close(l.done)
	l.gone.Wait()
	return l.removeAll()
}
