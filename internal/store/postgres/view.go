package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/keyhold/keyhold/internal/store"
)

// View implements [store.Backend.View]. It holds no connection while fn runs: every read says at which revision it
// reads.
func (b *Backend) View(ctx context.Context, fn func(store.Reader) error) error {
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	p, err := b.asker.Ask(ctx)
	if err != nil {
		return err
	}
	r := &reader{ctx, b, p}
	defer b.views.Begin(p.rev)()
	return fn(r)
}

// A reader reads one revision, until the context of its View ends.
type reader struct {
	ctx context.Context
	b   *Backend
	proof
}

// Rev implements [store.Reader.Rev].
func (r *reader) Rev() int64 { return r.rev }

// Statements that read records at a revision. The row without a key has the beat of this process and the floor.
const (
	proved = `SELECT NULL::bytea AS key, coalesce((SELECT n FROM $.beats WHERE process = $1), 0),
		(SELECT rev FROM $.floor), NULL::bytea UNION ALL `
	getAt = proved + `(
		SELECT key, rev, 0, value FROM $.records WHERE key = ANY($3::bytea[]) AND rev <= $2::bigint
		UNION ALL
		SELECT key, rev, 0, value FROM $.history WHERE key = ANY($3::bytea[]) AND until > $2::bigint AND rev <= $2::bigint)`
	scanAt = proved + `(
		(SELECT key, rev, 0, value FROM $.records
			WHERE key >= $3::bytea AND ($4::bytea IS NULL OR key < $4::bytea) AND rev <= $2::bigint ORDER BY key LIMIT $5::int)
		UNION ALL
		(SELECT key, rev, 0, value FROM $.history
			WHERE key >= $3::bytea AND ($4::bytea IS NULL OR key < $4::bytea) AND until > $2::bigint AND rev <= $2::bigint
			ORDER BY key LIMIT $5::int)
		ORDER BY key LIMIT $5::int)`
)

// Get implements [store.Reader.Get].
func (r *reader) Get(keys ...[]byte) ([]store.Item, error) {
	if err := store.ValidateGet(keys); err != nil || len(keys) == 0 {
		return nil, errors.Join(err, r.ctx.Err())
	}
	found, err := r.read(getAt, keys)
	if err != nil {
		return nil, err
	}
	at := map[string]store.Item{}
	for _, item := range found {
		at[string(item.Key)] = item
	}
	items := make([]store.Item, len(keys))
	for i, key := range keys {
		items[i] = store.Item{Key: append([]byte{}, key...)}
		if item, ok := at[string(key)]; ok {
			items[i].Rev, items[i].Value = item.Rev, append([]byte{}, item.Value...)
		}
	}
	return items, nil
}

// Scan implements [store.Reader.Scan].
func (r *reader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if limit < 1 {
		return nil, r.ctx.Err()
	}
	if from == nil {
		from = []byte{}
	}
	return r.read(scanAt, from, to, limit)
}

// errBehind means that a server does not have the proof of a View.
var errBehind = errors.New("the server does not have the last write of this process")

// read reads items at the revision of the View, from a server that has its proof.
func (r *reader) read(text string, args ...any) (items []store.Item, err error) {
	err = r.b.untilProved(r.ctx, func(ctx context.Context) error {
		var beat, floor int64
		items, beat, floor, err = r.b.readOnce(ctx, text, append([]any{r.b.process, r.rev}, args...))
		switch {
		case err != nil:
			return err
		case beat < r.beat:
			return errBehind
		case floor > r.rev:
			return store.ErrTooOld
		case !r.b.isProved(beat): // a server with another history may have got the next beat
			_, err = r.b.asker.Ask(ctx)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// readOnce returns the items that a statement returns, and the beat and the floor.
func (b *Backend) readOnce(
	ctx context.Context, text string, args []any,
) (items []store.Item, beat, floor int64, err error) {
	rows, err := b.pool.Query(ctx, b.in(text), args...)
	if err != nil {
		return nil, 0, 0, err
	}
	var item store.Item
	var third int64
	_, err = pgx.ForEachRow(rows, []any{&item.Key, &item.Rev, &third, &item.Value}, func() error {
		if item.Key == nil {
			beat, floor = item.Rev, third
		} else {
			items = append(items, item)
		}
		item = store.Item{}
		return nil
	})
	return items, beat, floor, err
}
