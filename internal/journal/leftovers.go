package journal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// leftovers are records that are no longer needed: events that the audit log has on disk, and
// Erasures that were carried out. They are removed in the background, a limited number in each
// transaction.
type leftovers struct {
	store *store.Store
	log   *slog.Logger

	mu      sync.Mutex
	pending []func(*store.Tx) error

	due  chan struct{} // signals enough records for a transaction
	done chan struct{} // closed to end
	gone sync.WaitGroup
}

// leftoverBatch is the number of records that one transaction removes, below the limit of a
// Batch. leftoverPause is the maximum time that a record waits for others. leftoverPatience is how long
// one transaction waits for the store, so that Close does not wait for ever. The next start removes the rest.
const (
	leftoverBatch    = 64
	leftoverPause    = time.Second
	leftoverPatience = 10 * time.Second
)

func newLeftovers(s *store.Store, log *slog.Logger) *leftovers {
	l := &leftovers{store: s, log: log, due: make(chan struct{}, 1), done: make(chan struct{})}
	l.gone.Go(l.clean)
	return l
}

// remove removes a record later: a transaction calls removal, which deletes the record.
func (l *leftovers) remove(removal func(*store.Tx) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending = append(l.pending, removal); len(l.pending) >= leftoverBatch {
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
			l.log.Error("records that are no longer needed were not removed; the server tries again", "error", err)
		}
	}
}

// removeAll removes all leftovers. It keeps those that it cannot remove for the next call.
func (l *leftovers) removeAll() error {
	for {
		l.mu.Lock()
		batch := l.pending[:min(len(l.pending), leftoverBatch)]
		l.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := l.removeBatch(batch); err != nil {
			return err
		}
		l.mu.Lock()
		l.pending = l.pending[len(batch):]
		l.mu.Unlock()
	}
}

// removeBatch removes leftovers in one transaction.
func (l *leftovers) removeBatch(batch []func(*store.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), leftoverPatience)
	defer cancel()
	return l.store.Update(ctx, func(tx *store.Tx) error {
		for _, removal := range batch {
			if err := removal(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *leftovers) close() error {
	close(l.done)
	l.gone.Wait()
	return l.removeAll()
}
