package reseal

import (
	"context"

	"github.com/keyhold/keyhold/internal/store"
)

// unknown is a Backend that does not tell the outcome of every so many commits, if every is not 0.
type unknown struct {
	store.Backend
	every, commits, unknown int
	made                    bool // these commits are made
}

func (b *unknown) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	if b.commits++; b.every == 0 || b.commits%b.every != 0 {
		return b.Backend.Commit(ctx, batch)
	}
	b.unknown++
	if b.made {
		if _, err := b.Backend.Commit(ctx, batch); err != nil {
			return 0, err
		}
	}
	return 0, store.ErrUnknown
}
