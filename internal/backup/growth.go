package backup

import (
	"context"

	"github.com/keyhold/keyhold/internal/store"
)

// A grower is a Backend in a file. While a View reads an old revision, changes cannot use again the pages that they
// replace, so the file grows.
type grower interface {
	// Room returns the bytes of the file that are in use, and the free bytes of its volume.
	Room() (used, free int64, err error)
}

// leastGrowth is the number of bytes by which a backup may let any store grow if twice as many are free.
const leastGrowth = 1 << 30

// limitGrowth returns a function that returns ErrGrown when the store has grown too much since: by more than the larger
// of its size and leastGrowth, or by more than half of the free space.
func (s Source) limitGrowth() (check func() error, err error) {
	g, ok := s.Backend.(grower)
	if !ok {
		return func() error { return nil }, nil
	}
	begun, free, err := g.Room()
	if err != nil {
		return nil, err
	}
	most := min(max(leastGrowth, begun), free/2)
	return func() error {
		used, _, err := g.Room()
		if err == nil && used-begun > most {
			err = ErrGrown
		}
		return err
	}, nil
}

// A longViewer is a Backend that must know which View takes long.
type longViewer interface {
	LongView(ctx context.Context, fn func(store.Reader) error) error
}

// view calls fn with one revision of the store.
func (s Source) view(ctx context.Context, fn func(store.Reader) error) error {
	if l, ok := s.Backend.(longViewer); ok {
		return l.LongView(ctx, fn)
	}
	return s.Backend.View(ctx, fn)
}
