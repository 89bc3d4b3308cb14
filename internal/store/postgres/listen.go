package postgres

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Times of a listener.
const (
	pollPause = 250 * time.Millisecond // from one proof to the next one, while somebody watches
	newsPause = 5 * time.Millisecond   // from one proof to the next one, while other processes change something
	relisten  = 5 * time.Second        // until a listener that broke listens again
	silence   = 10 * time.Second       // until a listener without notifications tests its connection
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
			_, _ = l.b.asker.Ask(ctx) // a failure shows by the age of what the watchers know
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
	config.OnNotification = nil // keeps them for waitForNotification
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
	for host := l.b.hosts.number(); ; {
		n, err := waitForNotification(ctx, c)
		if err != nil || l.b.hosts.number() != host {
			return err
		}
		if n == nil || n.Payload == l.b.process {
			continue // nothing, or a change of this process, which the feed knows
		}
		select {
		case news <- struct{}{}:
		default:
		}
	}
}

// waitForNotification returns a notification, or nil if there is none for a while and the connection works.
func waitForNotification(ctx context.Context, c *pgx.Conn) (*pgconn.Notification, error) {
	bounded, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	n, err := c.WaitForNotification(bounded)
	if err == nil || ctx.Err() != nil || bounded.Err() == nil {
		return n, err
	}
	test, cancel := context.WithTimeout(ctx, connecting)
	defer cancel()
	return nil, c.Ping(test)
}
