package store

import (
	"context"
	"slices"
	"sort"
	"sync"
)

// FeedSize is the default number of changes that a Backend holds for its watchers.
const FeedSize = 4096

// A Feed holds the last changes of a Backend for its watchers. A slow watcher delays nobody: when the Feed
// drops changes that the watcher has not seen, the watcher gets [ErrCompacted].
type Feed struct {
	size int

	mu     sync.Mutex
	floor  int64    // recent contains every change above this revision
	head   int64    // revision of the last change
	recent []Change // up to twice size changes; elements are never overwritten, so subslices can be shared
	cause  error    // why the feed has stopped, or nil
	news   chan struct{}
}

// NewFeed returns the Feed of a Backend at revision rev. It holds at least size changes.
func NewFeed(rev int64, size int) *Feed {
	return &Feed{size: size, floor: rev, head: rev, news: make(chan struct{})}
}

// Publish adds changes. Their revisions must increase and be greater than all earlier ones.
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

// Stop ends every present and future Watch and Wait with cause. Later calls have no effect.
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

// Watch implements [Backend.Watch].
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
		if err := waitForNews(ctx, news); err != nil {
			return err
		}
	}
}

// since returns the changes after a revision, and a channel that is closed when there are more. A revision
// beyond head belongs to another history, for example from before an older copy of the data was restored.
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

func waitForNews(ctx context.Context, news <-chan struct{}) error {
	select {
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Wait returns when rev has been published. It returns nil for a revision that was published before Stop.
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
		if err := waitForNews(ctx, news); err != nil {
			return err
		}
	}
}
