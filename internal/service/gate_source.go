package service

import (
	"context"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A source is the place from which a decision reads records. Every record that a decision
// depends on is read through a source, so that a transaction can decide again: it reads through
// the transaction, which checks all records that were read when it commits.
type source struct {
	ctx   context.Context
	store *store.Store
	from  store.Getter // nil reads each record as it is now, from memory if possible
	// through means that memory may be older than the store, and is not read.
	through bool
}

// newest returns a source that reads each record as it is now.
func (s *Service) newest(ctx context.Context) source {
	return source{ctx, s.store, nil, s.store.Shared() && !s.store.Fresh(time.Now())}
}

// isMemory reports whether what is read may be older than the store.
func (s source) isMemory() bool { return s.store.Shared() && s.from == nil && !s.through }

// fromStore returns a source that reads the store and not memory.
func (s source) fromStore() source { return source{s.ctx, s.store, s.from, true} }

// source returns the present source of the call.
func (c *call) source() source { return source{c.ctx, c.store, c.from, c.through} }

// read returns the record at a path and whether the record exists. The record may be shared and
// must not be changed.
func read[T any](s source, t store.Table[T], path string) (v T, ok bool, err error) {
	if s.from != nil {
		return t.Get(s.from, path)
	}
	if s.through {
		ctx, cancel := context.WithTimeout(s.ctx, engineTime)
		defer cancel()
		return t.Newest(ctx, s.store, path)
	}
	return t.Latest(s.ctx, s.store, path)
}

// readWhole is read for a key with its text.
func readWhole(s source, path string) (k key.Key, ok bool, err error) {
	if s.from != nil {
		return records.WholeKeys.Get(s.from, path)
	}
	if s.through {
		ctx, cancel := context.WithTimeout(s.ctx, engineTime)
		defer cancel()
		return records.WholeKeys.Newest(ctx, s.store, path)
	}
	return records.WholeKeys.Latest(s.ctx, s.store, path)
}

// readCovered calls fn with a View of the records that a guard covers (store.Table.Covered).
func readCovered[T any](s source, guards store.Table[T], path string, fn func(*store.View) error) error {
	if s.from == nil {
		return viewOf(s.ctx, s.store, fn)
	}
	v, err := guards.Covered(s.from, path)
	if err != nil {
		return err
	}
	return fn(v)
}

// coveredBy returns the source of the records that a guard covers.
func coveredBy[T any](s source, guards store.Table[T], path string) (source, error) {
	if s.from == nil {
		return s, nil
	}
	v, err := guards.Covered(s.from, path)
	return source{s.ctx, s.store, v, s.through}, err
}
