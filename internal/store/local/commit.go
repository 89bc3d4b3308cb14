package local

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store"
)

// errNothing rolls back a transaction in which no batch wrote anything.
var errNothing = errors.New("nothing to commit")

// run commits queued requests, starting at revision rev. It returns nil when the queue is stopped, or an error
// when a commit fails. A failed commit is never retried: after a failed fsync, the kernel treats the lost pages
// as written, and the next fsync would succeed without them. A commit that was not written because the disk is
// full is not a failure: its requests get space.ErrFull, and later commits may succeed.
func (db *DB) run(rev int64) error {
	for {
		requests := db.queue.take()
		if len(requests) == 0 {
			return nil
		}
		changes, err := db.write(requests)
		if isUnwritten(err) && db.showsRevision(rev) {
			answer(requests, db.full.Set(err))
			continue
		}
		if err != nil {
			cause := fmt.Errorf("%w: %w", store.ErrFailed, err)
			db.queue.stop(cause)
			db.feed.Stop(cause)
			answer(requests, cause)
			return cause
		}
		if len(changes) > 0 {
			rev = changes[len(changes)-1].Rev
		}
		db.feed.Publish(changes...)
		answer(requests, nil)
	}
}

// write runs the requests in one bbolt transaction and returns their changes when it is synced. Requests in
// conflict are answered after the sync, together with the others, so that a retry sees the change that caused
// the conflict.
func (db *DB) write(requests []*request) (changes []store.Change, err error) {
	defer guard(db.path, faults(), &err)
	db.bolt.NoFreelistSync = db.long.Load() > 0
	err = db.bolt.Update(func(tx *bbolt.Tx) error {
		j, err := beginCombined(tx)
		if err != nil {
			return err
		}
		for _, r := range requests {
			if err := j.apply(r); err != nil {
				return err
			}
		}
		changes = j.changes
		return j.finish()
	})
	if errors.Is(err, errNothing) {
		return nil, nil
	}
	return changes, err
}

// A combinedTx is a bbolt transaction that contains several requests. Each request sees the effect of those before
// it and has a revision of its own.
type combinedTx struct {
	records, meta *bbolt.Bucket
	rev           int64
	changes       []store.Change
}

func beginCombined(tx *bbolt.Tx) (*combinedTx, error) {
	rev, err := revision(tx)
	return &combinedTx{records: records(tx), meta: meta(tx), rev: rev}, err
}

// apply runs the request and sets its result. A returned error is a failure of the whole transaction.
func (j *combinedTx) apply(r *request) error {
	held, err := j.holds(r.batch.Checks)
	if err != nil {
		return err
	}
	if !held {
		r.err = store.ErrConflict
		return nil
	}
	if len(r.batch.Writes) > 0 {
		j.rev++
		j.changes = append(j.changes, r.batch.Change(j.rev))
	}
	r.rev = j.rev
	for _, w := range r.batch.Writes {
		if err := j.put(w); err != nil {
			return err
		}
	}
	return nil
}

func (j *combinedTx) holds(checks []store.Check) (bool, error) {
	for _, c := range checks {
		rev, _, err := record(c.Key, j.records.Get(c.Key))
		if err != nil || rev != c.Rev {
			return false, err
		}
	}
	return true, nil
}

func (j *combinedTx) put(w store.Write) error {
	if w.Value == nil {
		return j.records.Delete(w.Key)
	}
	stored := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(w.Value)), uint64(j.rev))
	return j.records.Put(w.Key, append(stored, w.Value...))
}

func (j *combinedTx) finish() error {
	if len(j.changes) == 0 {
		return errNothing
	}
	return putNumber(j.meta, keyRev, j.rev)
}
