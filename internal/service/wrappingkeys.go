package service

import (
	"context"
	"sync"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// maxInline bounds the wrapping keys that are made while a caller waits: an
// RSA-4096 pair takes a core for half a second and more.
const maxInline = 4

// wrappingKeys gives out wrapping key pairs, each once. Some are made ahead, for
// the specs that were asked for.
type wrappingKeys struct {
	ahead  int
	inline chan struct{} // a place for each pair being made inline
	ctx    context.Context
	stop   context.CancelFunc
	fills  sync.WaitGroup

	mu    sync.Mutex
	pools map[string]*pool // by spec
}

type pool struct {
	ready   []*crypt.WrappingKey
	filling bool
}

func newWrappingKeys(ahead int) *wrappingKeys {
	w := &wrappingKeys{ahead: ahead, inline: make(chan struct{}, maxInline), pools: map[string]*pool{}}
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

// close waits for the pair that is being made.
func (w *wrappingKeys) close() {
	w.stop()
	w.fills.Wait()
}

// take returns a pair of the spec that nobody else gets.
func (w *wrappingKeys) take(spec string) (*crypt.WrappingKey, error) {
	if k := w.takeReady(spec); k != nil {
		return k, nil
	}
	select {
	case w.inline <- struct{}{}:
		defer func() { <-w.inline }()
		return crypt.NewWrappingKey(spec)
	default:
		return nil, key.Errorf(key.KindThrottling, "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.")
	}
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

// fill makes pairs, one at a time, until the pool is full.
func (w *wrappingKeys) fill(spec string, p *pool) {
	for {
		k, err := crypt.NewWrappingKey(spec)
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
