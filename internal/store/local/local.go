// Package local is the embedded Backend: one file, one process.
//
// The file is a bbolt database with two buckets: "records" holds the revision of
// the last write, 8 bytes, and the value at each key; "meta" holds the format
// and the revision of the store. One goroutine commits, and joins the batches
// that wait into one transaction and one sync.
//
// It does not encrypt, and does not overwrite what is deleted: the bytes of a
// deleted record stay in free pages until these are used again.
package local

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// Options are the choices of [Open]. The zero value is valid.
type Options struct {
	// Failed, if set, is called once if a commit fails, with the error that every
	// Commit gets from then on, and should stop the program. It may call Close.
	Failed func(error)
}

// A DB is a [store.Backend] in a file that it has locked.
type DB struct {
	path  string
	bolt  *bbolt.DB
	queue *queue
	feed  *store.Feed // stands at the last revision that was synced
	held  int64       // the offset to which the file has blocks; only Hold uses it
	full  space.Mark

	ended chan struct{} // closed once the committer has ended
	cause error         // why it ended, nil if by Close; set before that
}

// Open opens the data folder dir, and makes it if only its last element is
// missing. It returns [store.ErrInUse] if another process has it open, a
// [*store.CorruptError] that names the file if that is not a store, and
// [ErrFormat] if it is the store of a newer version of the program.
func Open(dir string, opts Options) (*DB, error) {
	b, rev, err := openFile(dir)
	if err != nil {
		return nil, err
	}
	db := &DB{
		path:  b.Path(),
		bolt:  b,
		queue: newQueue(),
		feed:  store.NewFeed(rev, store.FeedSize),
		ended: make(chan struct{}),
	}
	go func() {
		db.cause = db.run(rev)
		close(db.ended)
		if db.cause != nil && opts.Failed != nil {
			opts.Failed(db.cause)
		}
	}()
	return db, nil
}

// View is [store.Backend.View].
//
// bbolt shows a transaction from the moment its last page is written, and syncs
// that page afterwards. So a View that comes in between waits, and if the sync
// fails gets [store.ErrFailed]: nobody is told what a power failure may take
// back. An older revision can be read even then.
func (db *DB) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := db.bolt.View(func(tx *bbolt.Tx) error {
		r, err := db.reader(ctx, tx)
		if err != nil {
			return err
		}
		if err := db.feed.Wait(ctx, r.rev); err != nil {
			return err
		}
		return fn(r)
	})
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

// Commit is [store.Backend.Commit].
func (db *DB) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if err := b.Validate(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return db.queue.commit(b)
}

// Watch is [store.Backend.Watch]. Changes before the start of the process are
// not held.
func (db *DB) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	return db.feed.Watch(ctx, after, fn)
}

// Close ends the committer, waits for Views and unlocks the file.
func (db *DB) Close() error {
	db.queue.stop(store.ErrClosed)
	<-db.ended
	db.feed.Stop(store.ErrClosed)
	if _, ok := errors.AsType[*store.CorruptError](db.cause); ok {
		return nil // bbolt panicked in the commit and may hold its lock for ever
	}
	return db.bolt.Close()
}
