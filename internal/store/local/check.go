package local

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store/boltpages"
)

// Check reads every page of the file and returns all faults that it finds, each as a [*store.CorruptError]. It
// finds the faults that make records disappear without an error, bring back older records, or make the next
// commit overwrite pages in use: pages that are reachable twice, not at all, or from the wrong place; pages
// that are both in use and free; elements that do not fit; keys that are out of order. It does not check the
// content of values or of free pages.
//
// No commit may run during Check.
func (db *DB) Check(ctx context.Context) error {
	size := db.bolt.Info().PageSize
	err := errors.Join(boltpages.CheckMetas(db.path, size), boltpages.CheckPages(ctx, db.path, size))
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return db.checkBolt() // would crash on most faults, but the checks above have found none
}

// checkBolt runs bbolt's own check.
func (db *DB) checkBolt() error {
	return db.bolt.View(func(tx *bbolt.Tx) (all error) {
		for err := range tx.Check() {
			all = errors.Join(all, corrupt(db.path, err))
		}
		return all
	})
}
