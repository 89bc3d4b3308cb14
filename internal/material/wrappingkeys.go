package material

import (
	"context"
	"sync"

	"github.com/keyhold/keyhold/internal/crypt"
)

// WrappingKeys provides wrapping key pairs, each pair once. It generates some pairs in advance,
// for the specs that clients have asked for.
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

// A MakePair generates a wrapping key pair of a spec when it is the principal's turn.
type MakePair func(ctx context.Context, principal, spec string) (*crypt.WrappingKey, error)

// NewWrappingKeys returns WrappingKeys that keep the given number of pairs of each spec ready.
func NewWrappingKeys(ahead int, makePair MakePair) *WrappingKeys {
	w := &WrappingKeys{ahead: ahead, make: makePair, pools: map[string]*pool{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// Close waits until the pair in progress is generated.
func (w *WrappingKeys) Close() {
	w.stop()
	w.fills.Wait()
}

// Take returns a new pair of the spec. If none is ready, Take waits for the principal's turn and
// generates one.
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

// aheadOfAll is the name under which the generation of pairs in advance takes turns.
const aheadOfAll = "made ahead"

// fill generates pairs, one at a time, until the pool is full or the turn does not come in time.
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
