package service

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A cost counts what one call asks of the Backend. Each Get and each Scan is a round trip.
type cost struct {
	mu                 sync.Mutex
	views, gets, scans int
	batches            []store.Batch // those that were committed
}

type costKey struct{}

func costOf(ctx context.Context) *cost {
	c, ok := ctx.Value(costKey{}).(*cost)
	if !ok {
		return &cost{} // of nobody
	}
	return c
}

func (c *cost) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// String counts Gets and Scans together, and the writes of the last commit.
func (c *cost) String() string {
	writes := 0
	for _, b := range c.batches {
		writes = len(b.Writes)
	}
	return fmt.Sprintf("%d Views, %d Gets, %d writes", c.views, c.gets+c.scans, writes)
}

// most returns the most checks, writes and bytes that one batch has.
func (c *cost) most() (checks, writes, size int) {
	for _, b := range c.batches {
		checks, writes, size = max(checks, len(b.Checks)), max(writes, len(b.Writes)), max(size, b.Size())
	}
	return checks, writes, size
}

// A costed Backend adds to the cost in the context of a call.
type costed struct{ store.Backend }

func (b costed) View(ctx context.Context, fn func(store.Reader) error) error {
	c := costOf(ctx)
	c.count(&c.views)
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(costedReader{r, c}) })
}

func (b costed) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	rev, err := b.Backend.Commit(ctx, batch)
	if c := costOf(ctx); err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.batches = append(c.batches, batch)
	}
	return rev, err
}

type costedReader struct {
	store.Reader
	of *cost
}

func (r costedReader) Get(keys ...[]byte) ([]store.Item, error) {
	r.of.count(&r.of.gets)
	return r.Reader.Get(keys...)
}

func (r costedReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	r.of.count(&r.of.scans)
	return r.Reader.Scan(from, to, limit)
}

// A costedTest is an accessTest whose calls are counted.
type costedTest struct {
	accessTest
	deployment interruptible
}

func newCostedTest(t *testing.T) costedTest {
	d := interruptible{Backend: costed{memory.New()}, slots: memory.NewSlots(), root: seal.NewEphemeralRoot()}
	return costedTest{d.open(t), d}
}

// cold is the same deployment with nothing in memory.
func (c costedTest) cold() costedTest { return costedTest{c.deployment.open(c.T), c.deployment} }

// costs returns what an operation of the root of home asks of the Backend.
func (c costedTest) costs(operation, on string, members ...string) *cost {
	c.Helper()
	return c.costsAs(c.root(), operation, on, members...)
}

func (c costedTest) costsAs(a actor, operation, on string, members ...string) *cost {
	c.Helper()
	a.accessTest = c.accessTest
	op, in := a.request(operation, on, members...)
	counted := &cost{}
	ctx := context.WithValue(c.Context(), costKey{}, counted)
	r := Request{
		Caller: identity.Caller{Principal: a.who, Region: "eu-west-2"}, SourceIP: "192.0.2.1", Secure: true,
		Operation: op, Input: in,
	}
	if a.change != nil {
		a.change(&r)
	}
	if _, err := c.Do(ctx, r); err != nil {
		c.Fatalf("%s: %v", operation, err)
	}
	return counted
}
