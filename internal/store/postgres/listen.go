package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// Times of a listener.
const (
	pollPause = 250 * time.Millisecond // from one proof to the next one, while somebody watches
	newsPause = 5 * time.Millisecond   // from one proof to the next one, while other processes change something
	relisten  = 5 * time.Second        // until a listener that broke listens again
)

// A listener asks for a proof again and again while somebody watches, so that the feed hears of the changes of other
// processes. A notification of PostgreSQL only hastens the next question: notifications are lost when a connection
// breaks, and do not pass a pooler in transaction mode.
type listener struct {
	b        *Backend
	channel  string
	watchers atomic.Int64
}

func (l *listener) run(ctx context.Context) {
	news := make(chan struct{}, 1)
	l.b.running.Go(func() { l.listen(ctx, news) })
	poll := time.NewTicker(pollPause / 5)
	defer poll.Stop()
	for {
		least := pollPause
		select {
		case <-news:
			least = 0
		case <-poll.C:
		case <-ctx.Done():
			return
		}
		if l.watchers.Load() > 0 && l.b.sinceProof() >= least {
			_, _ = l.b.prove(ctx) // a failure shows by the age of what the watchers know
		}
		if least == 0 {
			time.Sleep(newsPause)
		}
	}
}

// listen signals news for each notification.
func (l *listener) listen(ctx context.Context, news chan<- struct{}) {
	for ctx.Err() == nil {
		_ = l.listenOnce(ctx, news)
		select {
		case <-time.After(relisten):
		case <-ctx.Done():
		}
	}
}

// listenOnce listens on a connection of its own until it breaks.
func (l *listener) listenOnce(ctx context.Context, news chan<- struct{}) error {
	config := l.b.pool.Config().ConnConfig
	if err := l.b.hosts.aim(ctx, config); err != nil {
		return err
	}
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(ctx, "LISTEN "+quote(l.channel)); err != nil {
		return err
	}
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if n.Payload == l.b.process {
			continue // the feed knows
		}
		select {
		case news <- struct{}{}:
		default:
		}
	}
}
