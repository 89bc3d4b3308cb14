// Package postgres is a Backend on PostgreSQL, for deployments of several nodes.
//
// Several processes may use the same database and schema. The package keeps no state in a session, so a pooler in
// transaction mode may lie between. It never repeats a commit of unknown outcome.
package postgres

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/engine"
)

// A Backend is a [store.Backend] on PostgreSQL. Its methods may be called concurrently.
type Backend struct {
	hosts   *hosts
	pool    *pgxpool.Pool
	schema  string // quoted
	process string // the key of the beat of this process
	node    string // "" if the process is not a node
	timeout time.Duration
	log     *slog.Logger

	asker    engine.Asker[proof]
	window   int // maximum number of changes that a question reads
	proofs   proofs
	joiner   joiner
	views    engine.Views
	full     fullness
	compact  compactor
	listener listener

	life context.Context // ends with Close
	end  context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup // Views, Commits and work in the background; Add only under mu while not closed

	feeding sync.Mutex
	feed    *store.Feed
	last    change // the newest one that the feed has told
	known   int64  // the newest revision that the node has seen, also in former processes
	lost    error  // ErrRewound, once the server has lost a change that this process or its node has seen
}

var _ store.Backend = (*Backend)(nil)

// Open connects to a database and returns its Backend. See [Config.Create].
func Open(ctx context.Context, c Config) (*Backend, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	hosts, pool, err := newPool(c)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		hosts: hosts, pool: pool, schema: quote(cmp.Or(c.Schema, DefaultSchema)), process: rand.Text(),
		node: c.Node, known: c.Seen,
		timeout: cmp.Or(c.Timeout, DefaultTimeout), log: cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
	}
	b.life, b.end = context.WithCancel(context.Background())
	b.joiner.send = b.commitAll
	b.asker.Question = b.ask
	b.compact = compactor{b: b, ages: engine.Ages{Keep: cmp.Or(c.Keep, DefaultKeep)}}
	b.listener = listener{b: b, channel: "keyhold_" + cmp.Or(c.Schema, DefaultSchema)}
	b.feed = store.NewFeed(0, store.FeedSize)
	if err := b.begin(ctx, c.Create); err != nil {
		b.Close()
		return nil, fmt.Errorf("open the store on PostgreSQL: %w", err)
	}
	return b, nil
}

// begin prepares the tables, and begins the feed and the work in the background.
func (b *Backend) begin(ctx context.Context, create bool) error {
	if err := b.prepare(ctx, create); err != nil {
		return err
	}
	if _, err := b.asker.Ask(ctx); err != nil { // the feed begins at its answer
		return err
	}
	b.window = maxChanges
	b.running.Go(func() { b.compact.run(b.life) })
	b.running.Go(func() { b.listener.run(b.life) })
	return nil
}

// Close implements [store.Backend.Close].
func (b *Backend) Close() error {
	b.mu.Lock()
	was := b.closed
	b.closed = true
	b.mu.Unlock()
	b.end()
	b.currentFeed().Stop(store.ErrClosed)
	b.running.Wait()
	if !was {
		b.forget()
		b.pool.Close()
	}
	return nil
}

// forget deletes the beat of this process. If that fails, another process deletes it later.
func (b *Backend) forget() {
	ctx, cancel := context.WithTimeout(context.Background(), min(b.timeout, connecting))
	defer cancel()
	_, _ = b.pool.Exec(ctx, b.in(`DELETE FROM $.beats WHERE process = $1`), b.process)
}

func (b *Backend) currentFeed() *store.Feed {
	b.feeding.Lock()
	defer b.feeding.Unlock()
	return b.feed
}

// enter begins a View or a Commit, which the caller ends by leave.
func (b *Backend) enter(ctx context.Context) (leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.running.Add(1)
	return b.running.Done, nil
}

// Watch implements [store.Backend.Watch]. The feed hears of changes with each proof, and at the latest after
// [pollPause].
func (b *Backend) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	_, err = b.asker.Ask(ctx)
	leave()
	if err != nil {
		return err
	}
	b.listener.watchers.Add(1)
	defer b.listener.watchers.Add(-1)
	return b.currentFeed().Watch(ctx, after, fn)
}
