package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/keyhold/keyhold/internal/store"
)

// Times of a question.
const (
	firstTry = time.Second           // patience with the first server; it doubles with each further one
	pause    = 20 * time.Millisecond // before a repetition, so that refused connections do not spin
)

// A proof is the newest revision at a time, and the number of the beat that proves it.
//
// A read cannot prove that it is fresh: an old primary that is cut off from its standby answers reads for ever. So the
// process writes a number to a row of its own, its beat, reads the newest revision in the same statement, and waits
// until the commit is acknowledged. A server that has the beat has everything that this statement saw, because the
// order of commits is the same on all servers that have this commit. Every later read checks that its server has the
// beat.
type proof struct{ rev, beat int64 }

// proofs are what the process knows of its own beats. The beat belongs to the question on its way.
type proofs struct {
	beat int64 // of the last question

	mu     sync.Mutex
	proved int64     // the last beat that was acknowledged, by a server with the history that this process knows
	last   time.Time // when the last proof was asked for
}

// ask asks one server after the other until one proves to be the primary.
func (b *Backend) ask() (p proof, err error) {
	err = b.untilProved(b.life, func(ctx context.Context) error {
		asked := time.Now()
		if p, err = b.askOnce(ctx); err == nil {
			b.proofs.mu.Lock()
			b.proofs.last, b.proofs.proved = asked, p.beat
			b.proofs.mu.Unlock()
		}
		return err
	})
	return p, err
}

// isProved reports whether a beat that a server shows is known to be acknowledged.
func (b *Backend) isProved(beat int64) bool {
	b.proofs.mu.Lock()
	defer b.proofs.mu.Unlock()
	return beat <= b.proofs.proved
}

// sinceProof returns the time since the last proof was asked for.
func (b *Backend) sinceProof() time.Duration {
	b.proofs.mu.Lock()
	defer b.proofs.mu.Unlock()
	return time.Since(b.proofs.last)
}

// untilProved repeats an attempt, with another server each time, until it succeeds.
func (b *Backend) untilProved(ctx context.Context, try func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	for patience := firstTry; ; patience *= 2 {
		attempt, end := context.WithTimeout(bounded, patience)
		err := try(attempt)
		end()
		if err == nil || errors.Is(err, store.ErrTooOld) || errors.Is(err, store.ErrRewound) {
			return err
		}
		if ctx.Err() != nil {
			return b.ended(ctx)
		}
		b.leave()
		select {
		case <-time.After(pause):
		case <-bounded.Done():
			if ctx.Err() != nil {
				return b.ended(ctx)
			}
			return fmt.Errorf("no server answers as the primary: %w", refusal(err))
		}
	}
}

// ended returns the error of a context, or ErrClosed if Close has ended it.
func (b *Backend) ended(ctx context.Context) error {
	if b.life.Err() != nil {
		return store.ErrClosed
	}
	return ctx.Err()
}

// leave closes the connections, because their server does not prove to be the primary.
func (b *Backend) leave() {
	if b.hosts.leave() {
		b.pool.Reset()
	}
}

// held returns the revision that other processes must not compact, or nil.
func (b *Backend) held() *int64 {
	if rev := b.views.Oldest(time.Now().Add(time.Hour)); rev != 0 {
		return &rev
	}
	return nil
}

// beatAndRead writes the beat, and reads the head and the changes since the one that the feed has told last. It notes
// the head as seen by the node, unless the server has lost what the node has seen.
const beatAndRead = `
WITH beat AS (
	INSERT INTO $.beats AS b (process, n, held, at) VALUES ($1, $2, $3, now())
	ON CONFLICT (process) DO UPDATE SET n = greatest(b.n, excluded.n), held = excluded.held, at = excluded.at),
witness (rev) AS (` + witnessOf + `$6::text)),
noted AS (
	INSERT INTO $.seen AS s (node, way, rev) SELECT $6::text, 'beat', head.rev FROM $.head, witness
	WHERE $6::text <> '' AND witness.rev >= $7::bigint
	ON CONFLICT (node, way) DO UPDATE SET rev = greatest(s.rev, excluded.rev))
SELECT rev, mark, NULL::bytea, (SELECT rev FROM witness) FROM $.head
UNION ALL (` + changesSince + `)`

// witnessOf reads the newest revision that the server knows that a node has seen. A node learns of revisions only by
// acknowledged transactions, and each of them notes what it shows to the node, in the table seen. So a server that
// knows of less than the node has lost what the node has seen, whatever its own revision is. The row without a node
// stands for nodes without a row.
const witnessOf = `SELECT coalesce(max(rev) FILTER (WHERE node <> ''), max(rev)) FROM $.seen WHERE node IN ('', `

// changesSince reads changes, including the one with the given revision.
const changesSince = `SELECT rev, mark, keys, 0 FROM $.changes WHERE rev >= $4::bigint ORDER BY rev LIMIT $5::int`

// askOnce asks one server, and tells the feed what the answer shows.
func (b *Backend) askOnce(ctx context.Context) (proof, error) {
	c, err := b.pool.Acquire(ctx)
	if err != nil {
		return proof{}, err
	}
	defer c.Release()
	b.proofs.beat++ // of a question, which has no other at its side
	beat, h := b.proofs.beat, b.knows()
	var batch pgx.Batch
	var committed bool
	b.queueBegin(&batch)
	batch.Queue(b.in(beatAndRead), b.process, beat, b.held(), h.told.rev, b.window, b.node, h.known).Query(scanChanges(&h))
	queueCommit(&batch, &committed)
	if err := outcome(c, committed, sendAll(ctx, c, &batch)); err != nil {
		b.full.note(b.log, err, time.Now())
		return proof{}, err
	}
	i := slices.IndexFunc(h.seen, func(c change) bool { return c.keys == nil })
	if i < 0 {
		return proof{}, errors.New("PostgreSQL: the store has no head")
	}
	h.head = h.seen[i]
	h.seen = slices.Delete(h.seen, i, i+1)
	return proof{h.head.rev, beat}, b.tell(h)
}
