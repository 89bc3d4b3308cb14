package store

import (
	"context"
	"slices"
	"sort"
	"sync"
)

// FeedSize is how many changes a Backend holds for its watchers, if nothing else
// is asked for.
const FeedSize = 4096

// A Feed holds the last changes of a Backend and hands them to its watchers. A
// watcher that is slow delays nobody: once the Feed has let go of what it has
// not seen, it gets [ErrCompacted].
type Feed struct {
	size int

	mu     sync.Mutex
	floor  int64    // every change above it is in recent
	head   int64    // revision of the last change
	recent []Change // up to twice size; no element is written twice, so parts can be handed out
	cause  error    // why the feed has ended, if it has
	news   chan struct{}
}

// NewFeed returns the Feed of a Backend that stands at rev. It holds size
// changes at least.
func NewFeed(rev int64, size int) *Feed {
	return &Feed{size: size, floor: rev, head: rev, news: make(chan struct{})}
}

// Publish tells the watchers of changes, in the order of their revisions, which
// are greater than all before.
func (f *Feed) Publish(changes ...Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range changes {
		f.recent = append(f.recent, c)
		f.head = c.Rev
	}
	if over := len(f.recent) - f.size; over >= f.size {
		f.floor = f.recent[over-1].Rev
		f.recent = slices.Clone(f.recent[over:])
	}
	f.wake()
}

// Stop ends every Watch and Wait, now and later, with cause. The first cause
// stays.
func (f *Feed) Stop(cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cause == nil {
		f.cause = cause
		f.wake()
	}
}

func (f *Feed) wake() {
	close(f.news)
	f.news = make(chan struct{})
}

// Watch is [Backend.Watch].
func (f *Feed) Watch(ctx context.Context, after int64, fn func(Change) error) error {
	for {
		changes, news, err := f.since(after)
		if err != nil {
			return err
		}
		for _, c := range changes {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(c); err != nil {
				return err
			}
			after = c.Rev
		}
		if len(changes) > 0 {
			continue
		}
		if err := receive(ctx, news); err != nil {
			return err
		}
	}
}

// since returns the changes after a revision, and what tells of more. A revision
// beyond the head is of another history, such as that before an older copy of the
// data was put back.
func (f *Feed) since(after int64) ([]Change, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cause != nil {
		return nil, nil, f.cause
	}
	if after < f.floor || after > f.head {
		return nil, nil, ErrCompacted
	}
	seen := sort.Search(len(f.recent), func(i int) bool { return f.recent[i].Rev > after })
	return f.recent[seen:], f.news, nil
}

func receive(ctx context.Context, news <-chan struct{}) error {
	select {
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Wait returns once rev has been published. A rev that was reached before the
// Feed was stopped is still reached.
func (f *Feed) Wait(ctx context.Context, rev int64) error {
	for {
		f.mu.Lock()
		head, news, cause := f.head, f.news, f.cause
		f.mu.Unlock()
		if rev <= head {
			return nil
		}
		if cause != nil {
			return cause
		}
		if err := receive(ctx, news); err != nil {
			return err
		}
	}
}
