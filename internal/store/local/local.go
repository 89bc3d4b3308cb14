// Package local is the embedded Backend: one file, used by one process.
//
// The file is a bbolt database with two buckets. "records" holds, at each key, the revision of the last write
// (8 bytes) and the value. "meta" holds the format and the revision of the store. One goroutine commits, and
// combines waiting batches into one transaction and one sync.
//
// The package does not encrypt, and does not overwrite deleted data: the bytes of a deleted record stay in free
// pages until bbolt reuses these.
package local

import (
	"context"
	"errors"
	"sync/atomic"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// Options configure [Open]. The zero value is valid.
type Options struct {
	// Failed, if set, is called once if a commit fails, with the error that every later Commit returns. It
	// should stop the program, and may call Close.
	Failed func(error)
}

// A DB is a [store.Backend] in a file that it has locked.
type DB struct {
	path  string
	bolt  *bbolt.DB
	queue *queue
	feed  *store.Feed // at the last revision that was synced
	held  int64       // the file has blocks up to this offset; only Hold uses it
	full  space.Mark
	long  atomic.Int64 // LongViews that run

	ended chan struct{} // closed when the committer has ended
	cause error         // why it ended, nil after Close; set before ended is closed
}

// Open opens the data folder dir, or creates it if only its last element is missing. It returns
// [store.ErrInUse] if another process has it open, a [*store.CorruptError] that names the file if the file is
// not a store, and [ErrFormat] if a newer version of the program made the store.
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

// View implements [store.Backend.View].
//
// bbolt shows a transaction when its last page is written, and syncs this page afterwards. A View that begins
// in between waits, and returns [store.ErrFailed] if the sync fails, so that nobody sees data that a power
// failure can take back. Older revisions can be read even then.
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

// LongView is View for an fn during which there can be many commits. While it runs, commits do not write the list of
// free pages. Each commit would write the whole list to new pages, and the pages of former lists would stay in the list
// until the View ends, so the file would grow faster with each commit. Without a list, as after a kill, Open finds the
// free pages itself.
func (db *DB) LongView(ctx context.Context, fn func(store.Reader) error) error {
	db.long.Add(1)
	defer db.long.Add(-1)
	return db.View(ctx, fn)
}

// Commit implements [store.Backend.Commit].
func (db *DB) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if err := b.Validate(); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return db.queue.commit(b)
}

// Watch implements [store.Backend.Watch]. Changes from before the start of the process are not available.
func (db *DB) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	return db.feed.Watch(ctx, after, fn)
}

// Close stops the committer, waits for Views and unlocks the file.
func (db *DB) Close() error {
	db.queue.stop(store.ErrClosed)
	<-db.ended
	db.feed.Stop(store.ErrClosed)
	if _, ok := errors.AsType[*store.CorruptError](db.cause); ok {
		return nil // bbolt panicked during the commit and may never release its lock
	}
	return db.bolt.Close()
}
