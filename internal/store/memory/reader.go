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
func (r reader) Get(keys ...[]byte) ([]store.Item, error) {
	if err := store.ValidateGet(keys); err != nil {
		return nil, err
	}
	items := make([]store.Item, len(keys))
	for i, key := range keys {
		e, _ := r.records.Get(string(key)) // of an absent key, the zero entry
		items[i] = item(string(key), e)
	}
	return items, r.ctx.Err()
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
