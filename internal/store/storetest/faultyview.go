package storetest

import (
	"context"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// View implements [store.Backend.View].
func (f *Faulty) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := f.network.send(ctx, nil); err != nil {
		return err
	}
	return f.Backend.View(ctx, func(r store.Reader) error {
		if err := f.network.receive(ctx, nil); err != nil {
			return err
		}
		if f.TooOld != nil && f.TooOld() {
			return fn(oldReader{r})
		}
		return fn(slowReader{r, ctx, f})
	})
}

// A slowReader reads one revision of the Backend, however long the reads take.
type slowReader struct {
	store.Reader
	ctx context.Context
	f   *Faulty
}

// pass lets one read pass in both directions.
func (r slowReader) pass() error {
	if err := r.f.network.send(r.ctx, nil); err != nil {
		return err
	}
	if r.f.Latency != nil {
		time.Sleep(r.f.Latency())
	}
	return r.f.network.receive(r.ctx, nil)
}

func (r slowReader) Get(keys ...[]byte) ([]store.Item, error) {
	if err := r.pass(); err != nil {
		return nil, err
	}
	return r.Reader.Get(keys...)
}

func (r slowReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if err := r.pass(); err != nil {
		return nil, err
	}
	return r.Reader.Scan(from, to, limit)
}

// An oldReader is a View whose revision has disappeared.
type oldReader struct{ store.Reader }

func (oldReader) Get(...[]byte) ([]store.Item, error) { return nil, store.ErrTooOld }

func (oldReader) Scan([]byte, []byte, int) ([]store.Item, error) { return nil, store.ErrTooOld }
