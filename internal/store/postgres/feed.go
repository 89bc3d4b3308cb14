package postgres

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/keyhold/keyhold/internal/store"
)

// maxChanges is the maximum number of changes that one question reads. A process that is further behind starts a new
// feed, and its watchers get ErrCompacted.
const maxChanges = store.FeedSize

// A change is a row of the table of changes, or the head without keys. The random mark tells a revision from one with
// the same number in another history: a standby that was promoted without the last commits counts on from its own.
type change struct {
	rev, mark int64
	keys      []byte
}

func newMark() int64 { return rand.Int64() }

var errKeys = errors.New("the keys of a change are corrupt")

// encodeKeys returns the keys of a Batch as one value: each with its length before it.
func encodeKeys(writes []store.Write) (all []byte) {
	for _, w := range writes {
		all = binary.BigEndian.AppendUint16(all, uint16(len(w.Key)))
		all = append(all, w.Key...)
	}
	return all
}

func decodeKeys(all []byte) (keys [][]byte, err error) {
	for len(all) > 0 {
		if len(all) < 2 {
			return nil, errKeys
		}
		n := 2 + int(binary.BigEndian.Uint16(all))
		if len(all) < n {
			return nil, errKeys
		}
		keys, all = append(keys, all[2:n]), all[n:]
	}
	return keys, nil
}

// scanChanges returns a function that reads rows into seen.
func scanChanges(seen *[]change) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*seen, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c change, err error) {
			err = row.Scan(&c.rev, &c.mark, &c.keys)
			return c, err
		})
		slices.SortFunc(*seen, func(x, y change) int { return cmp.Compare(x.rev, y.rev) })
		return err
	}
}

// told returns the last change that the feed has told, or the revision at which the feed began.
func (b *Backend) told() change {
	b.feeding.Lock()
	defer b.feeding.Unlock()
	return b.last
}

// checkHistory returns ErrRewound, for good, if a server has lost told: it was restored from an older copy, or it is a
// standby that was promoted without the last commits. head and seen are what it has, from told on.
func (b *Backend) checkHistory(told, head change, seen []change) error {
	b.feeding.Lock()
	defer b.feeding.Unlock()
	return b.judge(told, head, seen)
}

// judge is checkHistory for a caller that holds the lock.
func (b *Backend) judge(told, head change, seen []change) error {
	if head.rev < told.rev || len(seen) > 0 && seen[0].rev == told.rev && seen[0].mark != told.mark {
		b.lost = store.ErrRewound
		b.feed.Stop(store.ErrCompacted)
	}
	return b.lost
}

// tell publishes what an acknowledged transaction has read: the head, and the changes from told on, including told
// itself. It returns the error of checkHistory.
func (b *Backend) tell(told, head change, seen []change) error {
	b.feeding.Lock()
	defer b.feeding.Unlock()
	if err := b.judge(told, head, seen); err != nil {
		return err
	}
	if head.rev <= b.last.rev {
		return nil
	}
	if len(seen) == 0 || told.rev > 0 && seen[0].rev != told.rev || seen[len(seen)-1].rev != head.rev {
		b.feed.Stop(store.ErrCompacted) // the process was away for too long
		b.feed, b.last = store.NewFeed(head.rev, store.FeedSize), head
		return nil
	}
	var changes []store.Change
	for _, c := range seen {
		if c.rev <= b.last.rev {
			continue
		}
		keys, err := decodeKeys(c.keys)
		if err != nil {
			return err
		}
		changes = append(changes, store.Change{Rev: c.rev, Keys: keys})
	}
	b.feed.Publish(changes...)
	b.last = head
	return nil
}
