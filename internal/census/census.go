// Package census counts the keys of a deployment by their state, in the background and only when somebody asks. A count
// reads every key, so it is done in pages with pauses, and its result is kept for some time.
package census

import (
	"context"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

const (
	page    = 500                   // keys that one View reads
	pause   = 10 * time.Millisecond // after each page
	keptFor = 5 * time.Minute
	// patience is how long a call waits for a count. A deployment of a few thousand keys is counted in this time.
	patience = time.Second
)

// A Count is the number of keys by state at a time. At is zero if no count is complete yet.
type Count struct {
	Keys map[key.State]int64
	At   time.Time
}

// A Census counts the keys of a store. Its methods may be called concurrently.
type Census struct {
	store *store.Store
	now   func() time.Time // of the clock of keys
	life  context.Context
	end   context.CancelFunc

	mu      sync.Mutex
	last    Count
	running chan struct{} // closed at the end of the present count; nil if none runs
	err     error         // of the last count
}

// New returns a Census of a store. The caller closes it before the store.
func New(s *store.Store, now func() time.Time) *Census {
	life, end := context.WithCancel(context.Background())
	return &Census{store: s, now: now, life: life, end: end}
}

// Close ends the present count, and waits for its end. Later calls of Count begin no count.
func (c *Census) Close() {
	c.end()
	c.mu.Lock()
	running := c.running
	c.mu.Unlock()
	if running != nil {
		<-running
	}
}

// Count returns the last count. If it is older than five minutes, Count begins another one and waits for it up to a
// second. One count runs at a time.
func (c *Census) Count(ctx context.Context) (Count, error) {
	c.mu.Lock()
	if !c.last.At.IsZero() && c.now().Sub(c.last.At) < keptFor && !c.now().Before(c.last.At) {
		defer c.mu.Unlock()
		return c.last, nil
	}
	if c.running == nil && c.life.Err() == nil {
		c.running = make(chan struct{})
		go c.run(c.running)
	}
	done := c.running // nil after Close
	c.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	case <-c.life.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.err
}

func (c *Census) run(done chan struct{}) {
	at := c.now()
	keys, err := c.count(c.life, at)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err = err; err == nil {
		c.last = Count{keys, at}
	}
	c.running = nil
	close(done)
}

// count counts all keys in their states at a time.
func (c *Census) count(ctx context.Context, at time.Time) (map[key.State]int64, error) {
	keys, after := map[key.State]int64{}, ""
	for {
		n := 0
		err := c.store.View(ctx, func(v *store.View) error {
			all, err := records.Keys.Scan(v, "", after, page)
			for _, r := range all {
				if k := r.Value.At(at); k.State != key.Gone {
					keys[k.State]++
				}
				after = r.Path
			}
			n = len(all)
			return err
		})
		if err != nil || n < page {
			return keys, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
