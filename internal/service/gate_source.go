package service

import (
	"context"

	"github.com/keyhold/keyhold/internal/store"
)

// A source is where a decision reads records. Everything that a decision depends on is
// read through a source, so that a transaction can decide again: it then reads through
// the transaction, which checks at its commit all that was read.
type source struct {
	ctx   context.Context
	store *store.Store
	from  store.Getter // nil reads each record as it is now, from memory if it can
}

// newest reads each record as it is now.
func (s *Service) newest(ctx context.Context) source { return source{ctx, s.store, nil} }

// source is where the call reads at present.
func (c *call) source() source { return source{c.ctx, c.store, c.from} }

// read returns the record at a path and whether there is one. The record may be shared
// and must not be changed.
func read[T any](s source, t store.Table[T], path string) (v T, ok bool, err error) {
	if s.from != nil {
		return t.Get(s.from, path)
	}
	return t.Latest(s.ctx, s.store, path)
}

// readCovered calls fn with a View of what a guard covers (store.Table.Covered).
func readCovered[T any](s source, guards store.Table[T], path string, fn func(*store.View) error) error {
	if s.from == nil {
		return s.store.View(s.ctx, fn)
	}
	v, err := guards.Covered(s.from, path)
	if err != nil {
		return err
	}
	return fn(v)
}

// coveredBy returns the source of what a guard covers.
func coveredBy[T any](s source, guards store.Table[T], path string) (source, error) {
	if s.from == nil {
		return s, nil
	}
	v, err := guards.Covered(s.from, path)
	return source{s.ctx, s.store, v}, err
}
