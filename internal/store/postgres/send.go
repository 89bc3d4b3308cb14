package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// begin begins a transaction whose commit is acknowledged when it is as durable as the server can make it. The server
// ends the transaction if this process stops in the middle, because the transaction may hold the lock of the head.
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`

const durably = `SELECT set_config('synchronous_commit',
	CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true),
	set_config('idle_in_transaction_session_timeout', $1, true), set_config('lock_timeout', $1, true)`

// queueBegin queues the statements that begin a transaction.
func (b *Backend) queueBegin(batch *pgx.Batch) {
	batch.Queue(begin)
	batch.Queue(durably, fmt.Sprint(b.timeout.Milliseconds()))
}

// sendAll sends statements, and calls read for the rows of each of those that have rows to read. It reads all answers.
func sendAll(ctx context.Context, c *pgxpool.Conn, batch *pgx.Batch) error {
	delete(c.Conn().PgConn().CustomData(), warned)
	return c.SendBatch(ctx, batch).Close()
}

// queueCommit queues the end of a transaction. committed becomes true if the server has made it.
func queueCommit(batch *pgx.Batch, committed *bool) {
	batch.Queue(`COMMIT`).Exec(func(tag pgconn.CommandTag) error {
		*committed = tag.String() == "COMMIT"
		return nil
	})
}

// outcome returns the error of a transaction whose COMMIT was sent, given the error of sending it. It is nil if the
// transaction is durable, ErrUnknown if nobody knows, and another error if the transaction was certainly not made.
func outcome(c *pgxpool.Conn, committed bool, err error) error {
	var answer *pgconn.PgError
	switch {
	case err == nil && committed && c.Conn().PgConn().CustomData()[warned] != nil:
		return fmt.Errorf("%w: PostgreSQL did not wait for its standby", store.ErrUnknown)
	case err == nil && committed:
		return nil
	case err == nil:
		return errors.New("PostgreSQL has rolled a transaction back")
	case pgconn.SafeToRetry(err):
		return refusal(err)
	case errors.As(err, &answer) && answer.SeverityUnlocalized == "ERROR":
		return refusal(err) // the server refused a statement, so the COMMIT after it had nothing to commit
	}
	return fmt.Errorf("%w: PostgreSQL: %v", store.ErrUnknown, err)
}

// refusal returns an error of the server or of the connection, as a space.ErrFull if the server has no space. It is not
// an error of a context, also if a time-out is its cause.
func refusal(err error) error {
	var answer *pgconn.PgError
	switch {
	case err == nil || errors.Is(err, space.ErrFull):
		return err
	case errors.As(err, &answer) && answer.Code == diskFull:
		return fmt.Errorf("PostgreSQL: %w: %v", space.ErrFull, err)
	}
	return fmt.Errorf("PostgreSQL: %v", err)
}

// row reads one row.
func (b *Backend) row(ctx context.Context, text string, args []any, to ...any) error {
	bounded, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if err := b.pool.QueryRow(bounded, text, args...).Scan(to...); err != nil {
		return ctxOr(ctx, refusal(err))
	}
	return nil
}

// ctxOr returns the error of ctx, if there is one, in place of the error that it may have caused.
func ctxOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
