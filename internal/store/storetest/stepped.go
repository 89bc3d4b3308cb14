package storetest

import (
	"context"
	"errors"
	"slices"

	"github.com/keyhold/keyhold/internal/store"
)

// ErrStep is the error of a step that a [StepFault] makes fail.
var ErrStep = errors.New("the disk does not answer")

// A StepFault makes the step with the number At fail, and all later steps that need the same records. A step is a
// read or a commit on a [Stepped] Backend of the calls whose context is from [StepFault.Context]. The calls must not
// be concurrent.
type StepFault struct {
	At    int
	Steps int // number of steps until now
	// Damages makes each record that a read returns a step. Instead of failing, the step with the number At damages its
	// record for all later reads.
	Damages bool
	// Broken lists the records, or the range of a Scan, or "a commit", whose steps fail.
	Broken []string
}

type stepFaultKey struct{}

// Context returns a context with the StepFault.
func (f *StepFault) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, stepFaultKey{}, f)
}

func stepFaultOf(ctx context.Context) (f *StepFault, ok bool) {
	f, ok = ctx.Value(stepFaultKey{}).(*StepFault)
	return f, ok
}

func (f *StepFault) step(paths ...string) error {
	if f.Damages {
		return nil
	}
	if f.Steps++; f.Steps == f.At {
		f.Broken = paths
	}
	if slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(f.Broken, p) }) {
		return ErrStep
	}
	return nil
}

// damaged returns the items of a read with the damage.
func (f *StepFault) damaged(items []store.Item) []store.Item {
	if !f.Damages {
		return items
	}
	items = slices.Clone(items)
	for i, item := range items {
		if item.Rev == 0 {
			continue
		}
		if f.Steps++; f.Steps == f.At {
			f.Broken = []string{string(item.Key)}
		}
		if slices.Contains(f.Broken, string(item.Key)) {
			// Another revision, because memory has the opened records that the Store has written itself.
			items[i].Value, items[i].Rev = []byte("damaged"), item.Rev+1
		}
	}
	return items
}

// Stepped is a Backend on which the StepFault in a context has an effect.
type Stepped struct{ store.Backend }

// View implements [store.Backend.View].
func (b Stepped) View(ctx context.Context, fn func(store.Reader) error) error {
	f, ok := stepFaultOf(ctx)
	if !ok {
		return b.Backend.View(ctx, fn)
	}
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(steppedReader{r, f}) })
}

// Commit implements [store.Backend.Commit].
func (b Stepped) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	if f, ok := stepFaultOf(ctx); ok {
		if err := f.step("a commit"); err != nil {
			return 0, err
		}
	}
	return b.Backend.Commit(ctx, batch)
}

type steppedReader struct {
	store.Reader
	f *StepFault
}

func (r steppedReader) Get(keys ...[]byte) ([]store.Item, error) {
	var paths []string
	for _, k := range keys {
		paths = append(paths, string(k))
	}
	if err := r.f.step(paths...); err != nil {
		return nil, err
	}
	items, err := r.Reader.Get(keys...)
	return r.f.damaged(items), err
}

func (r steppedReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if err := r.f.step(string(from) + " to " + string(to)); err != nil {
		return nil, err
	}
	items, err := r.Reader.Scan(from, to, limit)
	return r.f.damaged(items), err
}
