package service

import (
	"context"
	"errors"
	"fmt"
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
	// reads notes what is read, unless it is nil.
	reads *store.Reads
}

// newest returns a source that reads each record as it is now. If other nodes share the store, the source notes each
// read in reads.
func (s *Service) newest(ctx context.Context, reads *store.Reads) source {
	if !s.store.Shared() {
		return source{ctx, s.store, nil, false, nil}
	}
	return source{ctx, s.store, nil, !s.store.Fresh(time.Now()), reads}
}

// newReads returns the Reads of a source if other nodes share the store, or nil.
func (s *Service) newReads() *store.Reads {
	if !s.store.Shared() {
		return nil
	}
	return &store.Reads{}
}

// isMemory reports whether a record that is read may be older than the store.
func (s source) isMemory() bool { return s.store.Shared() && s.from == nil && !s.through }

// fromStore returns a source that reads the store and not memory.
func (s source) fromStore() source { return source{s.ctx, s.store, s.from, true, s.reads} }

// source returns the present source of the call.
func (c *call) source() source { return source{c.ctx, c.store, c.from, c.through, c.reads} }

// read returns the record at a path and whether the record exists. The record may be shared and
// must not be changed.
func read[T any](s source, t store.Table[T], path string) (v T, ok bool, err error) {
	if s.from != nil {
		return t.Get(s.from, path)
	}
	if s.through {
		ctx, cancel := context.WithTimeout(s.ctx, engineTime)
		defer cancel()
		return t.Newest(ctx, s.store, path, s.reads)
	}
	return t.Latest(s.ctx, s.store, path, s.reads)
}

// readWhole is read for a key with its text.
func readWhole(s source, path string) (k key.Key, ok bool, err error) {
	if s.from != nil {
		return records.WholeKeys.Get(s.from, path)
	}
	if s.through {
		ctx, cancel := context.WithTimeout(s.ctx, engineTime)
		defer cancel()
		return records.WholeKeys.Newest(ctx, s.store, path, s.reads)
	}
	return records.WholeKeys.Latest(s.ctx, s.store, path, s.reads)
}

// readCovered calls fn with a View of the records that a guard covers (store.Table.Covered).
func readCovered[T any](s source, guards store.Table[T], path string, fn func(*store.View) error) error {
	if s.from == nil {
		return s.view(fn)
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
	return source{s.ctx, s.store, v, s.through, s.reads}, err
}

// view runs fn in a View. If other nodes share the store, it waits no longer than engineTime for the store.
func (s source) view(fn func(*store.View) error) error {
	if !s.store.Shared() {
		return s.store.View(s.ctx, fn)
	}
	ctx, cancel := context.WithTimeout(s.ctx, engineTime)
	defer cancel()
	err := s.store.View(ctx, func(v *store.View) error {
		v.Record(s.reads)
		return fn(v)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the store did not answer within %v: %w", engineTime, err)
	}
	return err
}
