// Package memory is a Backend that keeps its data in memory, for development servers and tests.
//
// Every revision is an immutable tree that shares everything except the paths to its writes with the previous
// one. Therefore a View does not block commits, and the cost of Get and Commit is logarithmic in the number of
// keys.
package memory

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"github.com/keyhold/keyhold/internal/store"
)

// A DB is a [store.Backend] in memory.
type DB struct {
	current atomic.Pointer[snapshot] // nil after Close
	feed    *store.Feed

	mu      sync.Mutex // held during a commit
	records *btree.Map[string, entry]
	rev     int64
}

// A snapshot is one revision. It is never modified.
type snapshot struct {
	records *btree.Map[string, entry]
	rev     int64
}

type entry struct {
	value []byte
	rev   int64 // revision of the last write
}

// New returns an empty DB at revision 0.
func New() *DB { return NewAt(0) }

// NewAt returns an empty DB at a revision.
func NewAt(rev int64) *DB {
	db := &DB{feed: store.NewFeed(rev, store.FeedSize), records: new(btree.Map[string, entry]), rev: rev}
	db.current.Store(&snapshot{db.records.Copy(), rev})
	return db
}

// View implements [store.Backend.View].
func (db *DB) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := db.current.Load()
	if s == nil {
		return store.ErrClosed
	}
	// A revision becomes current just before the feed publishes it. Wait, because the caller may watch from the
	// revision that it reads.
	if err := db.feed.Wait(ctx, s.rev); err != nil {
		return err
	}
	return fn(reader{ctx, s})
}

// Commit implements [store.Backend.Commit].
func (db *DB) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if err := b.Validate(); err != nil {
		return 0, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if db.current.Load() == nil {
		return 0, store.ErrClosed
	}
	if !db.holds(b.Checks) {
		return 0, store.ErrConflict
	}
	if len(b.Writes) > 0 {
		db.write(b)
	}
	return db.rev, nil
}

// Watch implements [store.Backend.Watch].
func (db *DB) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	return db.feed.Watch(ctx, after, fn)
}

// Close drops all data.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.current.Store(nil)
	db.records = nil
	db.feed.Stop(store.ErrClosed)
	return nil
}

func (db *DB) holds(checks []store.Check) bool {
	for _, c := range checks {
		if e, _ := db.records.Get(string(c.Key)); e.rev != c.Rev {
			return false
		}
	}
	return true
}

func (db *DB) write(b store.Batch) {
	db.rev++
	for _, w := range b.Writes {
		if w.Value == nil {
			db.records.Delete(string(w.Key))
		} else {
			db.records.Set(string(w.Key), entry{bytes.Clone(w.Value), db.rev})
		}
	}
	db.current.Store(&snapshot{db.records.Copy(), db.rev})
	db.feed.Publish(b.Change(db.rev))
}
