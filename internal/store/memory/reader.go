package memory

import (
	"bytes"
	"context"

	"github.com/keyhold/keyhold/internal/store"
)

// A reader reads one snapshot until the context of its View ends.
type reader struct {
	ctx context.Context
	*snapshot
}

// Rev implements [store.Reader.Rev].
func (r reader) Rev() int64 { return r.rev }

// Get implements [store.Reader.Get].
func (r reader) Get(key []byte) (store.Item, error) {
	e, ok := r.records.Get(string(key))
	if !ok {
		return store.Item{Key: bytes.Clone(key)}, r.ctx.Err()
	}
	return item(string(key), e), r.ctx.Err()
}

// Scan implements [store.Reader.Scan].
func (r reader) Scan(from, to []byte, limit int) (items []store.Item, err error) {
	r.records.Ascend(string(from), func(key string, e entry) bool {
		if len(items) >= limit || to != nil && key >= string(to) {
			return false
		}
		items = append(items, item(key, e))
		return true
	})
	return items, r.ctx.Err()
}

func item(key string, e entry) store.Item {
	return store.Item{Key: []byte(key), Value: bytes.Clone(e.value), Rev: e.rev}
}
