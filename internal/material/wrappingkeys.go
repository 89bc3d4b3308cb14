package material

import (
	"context"
	"sync"

	"github.com/keyhold/keyhold/internal/crypt"
)

// WrappingKeys gives out wrapping key pairs, each once. Some are made ahead, for
// the specs that were asked for.
type WrappingKeys struct {
	ahead int
	make  MakePair
	ctx   context.Context
	stop  context.CancelFunc
	fills sync.WaitGroup

	mu    sync.Mutex
	pools map[string]*pool // by spec
}

type pool struct {
	ready   []*crypt.WrappingKey
	filling bool
}

// A MakePair makes a wrapping key pair of a spec when it is the turn of the principal.
type MakePair func(ctx context.Context, principal, spec string) (*crypt.WrappingKey, error)

// NewWrappingKeys returns WrappingKeys that keep so many pairs of each spec ahead.
func NewWrappingKeys(ahead int, makePair MakePair) *WrappingKeys {
	w := &WrappingKeys{ahead: ahead, make: makePair, pools: map[string]*pool{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// Close waits for the pair that is being made.
func (w *WrappingKeys) Close() {
	w.stop()
	w.fills.Wait()
}

// Take returns a pair of the spec, each pair once. If none is ready, the
// principal waits for its turn to have one made.
func (w *WrappingKeys) Take(ctx context.Context, principal, spec string) (*crypt.WrappingKey, error) {
	if k := w.takeReady(spec); k != nil {
		return k, nil
	}
	return w.make(ctx, principal, spec)
}

func (w *WrappingKeys) takeReady(spec string) *crypt.WrappingKey {
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
func (w *WrappingKeys) fill(spec string, p *pool) {
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
