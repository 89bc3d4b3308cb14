package storetest

import (
	"context"
	"errors"

	"github.com/keyhold/keyhold/internal/store"
)

// ErrKilled is the error of the commits of a Killed backend.
var ErrKilled = errors.New("killed")

// Killed is a Backend of a process that is killed after Left more commits: before the next
// commit or, if Persist is set, after the commit and before its answer.
type Killed struct {
	store.Backend
	Left    int
	Persist bool
}

// Commit commits b, or returns ErrKilled.
func (k *Killed) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if k.Left--; k.Left >= 0 {
		return k.Backend.Commit(ctx, b)
	}
	if k.Left == -1 && k.Persist {
		if rev, err := k.Backend.Commit(ctx, b); err != nil {
			return rev, err
		}
	}
	return 0, ErrKilled
}
