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

// scanChanges returns a function that reads rows into seen. The row without keys has the witness.
func scanChanges(h *history) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		h.seen, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c change, err error) {
			var witness int64
			if err = row.Scan(&c.rev, &c.mark, &c.keys, &witness); c.keys == nil {
				h.witness = witness
			}
			return c, err
		})
		slices.SortFunc(h.seen, func(x, y change) int { return cmp.Compare(x.rev, y.rev) })
		return err
	}
}

// A history is what a server shows of its history, to a process that knows a part of it.
type history struct {
	told  change // the last change that the feed has told
	known int64  // the newest revision that this node has seen, also in former processes

	head    change   // the newest revision
	seen    []change // from told on
	witness int64    // the newest revision that the server knows that this node has seen
}

// knows returns the part of a history that the process knows.
func (b *Backend) knows() history {
	b.feeding.Lock()
	defer b.feeding.Unlock()
	return history{told: b.last, known: b.known}
}

// isRewound returns ErrRewound if changes are lost that the process or its node has seen.
func (b *Backend) isRewound() error {
	b.feeding.Lock()
	defer b.feeding.Unlock()
	return b.lost
}

// isLost reports whether the server has lost a change that the process or its node has seen: it was restored from an
// older copy, or it is a standby that was promoted without the last commits. Only an acknowledged transaction proves
// that: an old primary that is cut off shows an older history too.
func (h history) isLost() bool {
	return h.head.rev < h.told.rev || len(h.seen) > 0 && h.seen[0].rev == h.told.rev && h.seen[0].mark != h.told.mark ||
		h.witness < h.known
}

// tell publishes what an acknowledged transaction has read: the changes from told on, including told itself. It returns
// ErrRewound, for good, if changes are lost.
func (b *Backend) tell(h history) error {
	b.feeding.Lock()
	defer b.feeding.Unlock()
	if h.isLost() {
		b.lost = store.ErrRewound
		b.feed.Stop(store.ErrCompacted)
	}
	if b.lost != nil {
		return b.lost
	}
	if b.node != "" {
		b.known = max(b.known, h.head.rev)
	}
	if h.head.rev <= b.last.rev {
		return nil
	}
	if len(h.seen) == 0 || h.told.rev > 0 && h.seen[0].rev != h.told.rev || h.seen[len(h.seen)-1].rev != h.head.rev {
		b.feed.Stop(store.ErrCompacted) // the process was away for too long
		b.feed, b.last = store.NewFeed(h.head.rev, store.FeedSize), h.head
		return nil
	}
	var changes []store.Change
	for _, c := range h.seen {
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
	b.last = h.head
	return nil
}
