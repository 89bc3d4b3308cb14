package postgres

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/space"
)

// diskFull is the SQLSTATE of a statement that found no space ("PostgreSQL Error Codes", class 53). The server has
// rolled its transaction back. A server that finds no space for its write-ahead log ends instead, and outcomes are
// unknown.
const diskFull = "53100"

// roomy is how long no write may lack space before the disk counts as no longer full. Small writes can succeed on a
// full disk.
const roomy = 2 * time.Second

// A fullness knows whether the disk of the server is full, and logs when that changes.
type fullness struct {
	mu      sync.Mutex
	refused time.Time // when a write last lacked space; zero if the disk is not full
}

// note notes the result of a write.
func (f *fullness) note(log *slog.Logger, err error, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case errors.Is(err, space.ErrFull):
		if f.refused.IsZero() {
			log.Error("PostgreSQL has no disk space: changes are refused. Free or add space on the volume of its data; this "+
				"node then continues by itself", "error", err)
		}
		f.refused = now
	case err == nil && !f.refused.IsZero() && now.Sub(f.refused) >= roomy:
		f.refused = time.Time{}
		log.Info("PostgreSQL has disk space again: changes are made")
	}
}

// failed notes that a write failed, and leaves the server, unless it has no space: then no other server is better.
func (b *Backend) failed(err error) error {
	b.full.note(b.log, err, time.Now())
	if !errors.Is(err, space.ErrFull) {
		b.leave()
	}
	return err
}
