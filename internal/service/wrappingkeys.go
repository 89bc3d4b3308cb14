package service

import (
	"context"
	"sync"

	"github.com/keyhold/keyhold/internal/crypt"
)

// wrappingKeys gives out wrapping key pairs, each once. Some are made ahead, for
// the specs that were asked for.
type wrappingKeys struct {
	ahead     int
	expensive *expensive
	ctx       context.Context
	stop      context.CancelFunc
	fills     sync.WaitGroup

	mu    sync.Mutex
	pools map[string]*pool // by spec
}

type pool struct {
	ready   []*crypt.WrappingKey
	filling bool
}

func newWrappingKeys(ahead int, e *expensive) *wrappingKeys {
	w := &wrappingKeys{ahead: ahead, expensive: e, pools: map[string]*pool{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// close waits for the pair that is being made.
func (w *wrappingKeys) close() {
	w.stop()
	w.fills.Wait()
}

// take returns a pair of the spec, each pair once. If none is ready, the
// principal waits for its turn to have one made.
func (w *wrappingKeys) take(ctx context.Context, principal, spec string) (*crypt.WrappingKey, error) {
	if k := w.takeReady(spec); k != nil {
		return k, nil
	}
	return w.make(ctx, principal, spec)
}

func (w *wrappingKeys) make(ctx context.Context, principal, spec string) (*crypt.WrappingKey, error) {
	if err := w.expensive.begin(ctx, long, principal); err != nil {
		return nil, err
	}
	defer w.expensive.end(long)
	return crypt.NewWrappingKey(spec)
}

func (w *wrappingKeys) takeReady(spec string) *crypt.WrappingKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.pools[spec]
	if p == nil {
		p = &pool{}
		w.pools[spec] = p
	}
	var k *crypt.WrappingKey
	if n := len(p.ready); n > 0 {
		k, p.ready = p.ready[n-1], p.ready[:n-1]
	}
	if !p.filling && len(p.ready) < w.ahead && w.ctx.Err() == nil {
		p.filling = true
		w.fills.Go(func() { w.fill(spec, p) })
	}
	return k
}

// aheadOfAll is the name under which pairs that are made ahead take turns.
const aheadOfAll = "made ahead"

// fill makes pairs, one at a time, until the pool is full or the turn does not come.
func (w *wrappingKeys) fill(spec string, p *pool) {
	for {
		k, err := w.make(w.ctx, aheadOfAll, spec)
		w.mu.Lock()
		if err == nil {
			p.ready = append(p.ready, k)
		}
		if err != nil || len(p.ready) >= w.ahead || w.ctx.Err() != nil {
			p.filling = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}
