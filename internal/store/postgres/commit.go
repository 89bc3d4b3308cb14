package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/keyhold/keyhold/internal/store"
)

// Commit implements [store.Backend.Commit]. The end of ctx does not stop a commit that has begun, because its outcome
// would become unknown.
func (b *Backend) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	if err := batch.Validate(); err != nil {
		return 0, err
	}
	leave, err := b.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	return b.joiner.commit(ctx, batch)
}

// commitAll commits Batches in one transaction, and sets their results.
func (b *Backend) commitAll(all []*joined) {
	if err := b.transact(all); err != nil {
		for _, one := range all {
			one.rev, one.err = 0, err
		}
	}
}

// transact commits Batches in one transaction. All get its error, also those in conflict: only an acknowledged
// transaction proves that the revisions which its checks have seen will last.
func (b *Backend) transact(all []*joined) error {
	if err := b.isRewound(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	c, err := b.pool.Acquire(ctx)
	if err != nil {
		return b.failed(refusal(err))
	}
	defer c.Release() // which closes the connection if the transaction is open
	t := transaction{b: b, history: b.knows(), made: map[string]version{}}
	if err := t.begin(ctx, c, all); err != nil {
		return b.failed(refusal(err))
	}
	lost := t.isLost() // if the server acknowledges the transaction, which writes nothing then
	if !lost {
		for _, one := range all {
			t.apply(one)
		}
	}
	if err := t.commit(ctx, c, lost); err != nil {
		return b.failed(err)
	}
	if len(t.made) > 0 {
		b.full.note(b.log, nil, time.Now())
	}
	if err := b.tell(t.history); err != nil && !lost {
		return fmt.Errorf("%w: %w", store.ErrUnknown, err)
	} else if err != nil {
		return err
	}
	return nil
}

// A transaction commits several Batches. Each Batch sees the effect of those before it and has a revision of its own.
type transaction struct {
	b *Backend
	history
	found map[string]int64   // revisions of the keys that are checked
	made  map[string]version // what the Batches have made of keys
	from  int                // number of changes in seen that were there before
}

// A version is what a Batch makes of a key. A nil value deletes the key.
type version struct {
	rev   int64
	value []byte
}

// begin locks the head, and reads what the Batches check.
func (t *transaction) begin(ctx context.Context, c *pgxpool.Conn, all []*joined) error {
	var keys [][]byte
	for _, one := range all {
		for _, check := range one.batch.Checks {
			keys = append(keys, check.Key)
		}
	}
	var batch pgx.Batch
	t.b.queueBegin(&batch)
	batch.Queue(t.b.in(`SELECT rev, mark FROM $.head FOR UPDATE`)).QueryRow(func(row pgx.Row) error {
		return row.Scan(&t.head.rev, &t.head.mark)
	})
	batch.Queue(t.b.in(`SELECT key, rev FROM $.records WHERE key = ANY($1::bytea[])`), keys).Query(t.scanFound)
	batch.Queue(t.b.in(witnessOf+`$1::text)`), t.b.node).QueryRow(func(row pgx.Row) error { return row.Scan(&t.witness) })
	batch.Queue(t.b.in(`SELECT rev, mark, keys, 0 FROM $.changes WHERE rev >= $1::bigint ORDER BY rev LIMIT $2::int`),
		t.told.rev, maxChanges).Query(scanChanges(&t.history))
	err := sendAll(ctx, c, &batch)
	t.from = len(t.seen)
	return err
}

func (t *transaction) scanFound(rows pgx.Rows) error {
	t.found = map[string]int64{}
	var key []byte
	var rev int64
	_, err := pgx.ForEachRow(rows, []any{&key, &rev}, func() error {
		t.found[string(key)] = rev
		return nil
	})
	return err
}

// apply sets the result of a Batch, which is valid if the transaction is committed.
func (t *transaction) apply(one *joined) {
	for _, check := range one.batch.Checks {
		if t.revision(check.Key) != check.Rev {
			one.err = store.ErrConflict
			return
		}
	}
	if len(one.batch.Writes) > 0 {
		t.head = change{rev: t.head.rev + 1, mark: newMark(), keys: encodeKeys(one.batch.Writes)}
		t.seen = append(t.seen, t.head)
	}
	one.rev = t.head.rev
	for _, w := range one.batch.Writes {
		t.made[string(w.Key)] = version{one.rev, w.Value}
	}
}

// revision returns the revision of a key, or 0 if it is absent.
func (t *transaction) revision(key []byte) int64 {
	if v, ok := t.made[string(key)]; ok {
		if v.value == nil {
			return 0
		}
		return v.rev
	}
	return t.found[string(key)]
}

// keep copies the versions that are replaced into the history. put and remove replace them.
const (
	keep = `INSERT INTO $.history (key, rev, until, value)
		SELECT r.key, r.rev, w.rev, r.value FROM unnest($1::bytea[], $2::bigint[]) AS w (key, rev)
		JOIN $.records r ON r.key = w.key`
	remove = `DELETE FROM $.records WHERE key = ANY($1::bytea[])`
	put    = `INSERT INTO $.records (key, rev, value)
		SELECT key, rev, value FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS w (key, rev, value)
		ON CONFLICT (key) DO UPDATE SET rev = excluded.rev, value = excluded.value`
	add = `INSERT INTO $.changes (rev, mark, keys)
		SELECT rev, mark, keys FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS c (rev, mark, keys)`
	note = `INSERT INTO $.seen AS s (node, way, rev) VALUES ($1, 'commit', $2)
		ON CONFLICT (node, way) DO UPDATE SET rev = greatest(s.rev, excluded.rev)`
	move = `UPDATE $.head SET rev = $1, mark = $2` // also to the same revision, because only a write is acknowledged
)

// commit writes what the Batches have made, and commits. If changes are lost, it only proves that.
func (t *transaction) commit(ctx context.Context, c *pgxpool.Conn, lost bool) error {
	var batch pgx.Batch
	if len(t.made) > 0 {
		t.queueRecords(&batch)
		t.queueChanges(&batch)
		batch.Queue(`SELECT pg_notify($1, $2)`, t.b.listener.channel, t.b.process)
	}
	batch.Queue(t.b.in(move), t.head.rev, t.head.mark)
	if t.b.node != "" && !lost {
		batch.Queue(t.b.in(note), t.b.node, t.head.rev)
	}
	var committed bool
	queueCommit(&batch, &committed)
	err := outcome(c, committed, sendAll(ctx, c, &batch))
	if err != nil && lost {
		return fmt.Errorf("PostgreSQL: a server with another history does not prove to be the primary: %v", err)
	}
	return err
}

func (t *transaction) queueRecords(batch *pgx.Batch) {
	var all, put_, removed [][]byte
	var revs, putRevs []int64
	var values [][]byte
	for _, key := range sortedKeys(t.made) {
		v := t.made[string(key)]
		all, revs = append(all, key), append(revs, v.rev)
		if v.value == nil {
			removed = append(removed, key)
			continue
		}
		put_, putRevs, values = append(put_, key), append(putRevs, v.rev), append(values, v.value)
	}
	batch.Queue(t.b.in(keep), all, revs)
	if len(removed) > 0 {
		batch.Queue(t.b.in(remove), removed)
	}
	if len(put_) > 0 {
		batch.Queue(t.b.in(put), put_, putRevs, values)
	}
}

func sortedKeys(made map[string]version) (keys [][]byte) {
	for key := range made {
		keys = append(keys, []byte(key))
	}
	slices.SortFunc(keys, slices.Compare)
	return keys
}

func (t *transaction) queueChanges(batch *pgx.Batch) {
	var revs, marks []int64
	var keys [][]byte
	for _, c := range t.seen[t.from:] {
		revs, marks, keys = append(revs, c.rev), append(marks, c.mark), append(keys, c.keys)
	}
	batch.Queue(t.b.in(add), revs, marks, keys)
}
