package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

var errEnough = errors.New("enough")

// watch returns the next n changes after a revision, as text. It skips changes without keys.
func watch(t *testing.T, b store.Backend, after int64, n int) (out string) {
	t.Helper()
	seen := 0
	err := b.Watch(t.Context(), after, func(c store.Change) error {
		if len(c.Keys) == 0 {
			return nil
		}
		out += fmt.Sprintf("%d%s ", c.Rev, c.Keys)
		if seen++; seen == n {
			return errEnough
		}
		return nil
	})
	wantErr(t, err, errEnough)
	return out
}

func testWatchOrder(t *testing.T, b store.Backend) {
	start := head(t, b)
	r1 := commit(t, b, writes(kv("b", "1"), kv("a", "1")))
	r2 := commit(t, b, writes(del("a"), kv("c", "1"), del("never")))
	_, err := b.Commit(t.Context(), store.Batch{Checks: []store.Check{at("b", 0)}, Writes: []store.Write{kv("b", "2")}})
	wantErr(t, err, store.ErrConflict)
	commit(t, b, store.Batch{Checks: []store.Check{at("b", r1)}})
	r3 := commit(t, b, writes(kv("b", "3")))

	first, second, third := fmt.Sprintf("%d[b a] ", r1), fmt.Sprintf("%d[a c] ", r2), fmt.Sprintf("%d[b] ", r3)
	for _, test := range []struct {
		after int64
		n     int
		want  string
	}{
		{start, 3, first + second + third},
		{r1, 2, second + third},
		{r2, 1, third},
		{start, 1, first},
	} {
		if got := strings.ReplaceAll(watch(t, b, test.after, test.n), " never]", "]"); got != test.want {
			t.Errorf("after %d: got %s, want %s", test.after, got, test.want)
		}
	}
}

// A watcher that was told a revision, by a change with or without keys, is never told an older one.
func testWatchedRevisions(t *testing.T, b store.Backend) {
	const commits = 100
	start := head(t, b)
	var writers sync.WaitGroup
	defer writers.Wait()
	for w := range 2 {
		writers.Go(func() {
			for range commits {
				if _, err := b.Commit(t.Context(), writes(kv(fmt.Sprint(w), ""))); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	told, seen := start, 0
	err := b.Watch(t.Context(), start, func(c store.Change) error {
		if c.Rev < told || c.Rev == told && len(c.Keys) > 0 {
			t.Errorf("told %d %q after %d", c.Rev, c.Keys, told)
		}
		told = c.Rev
		seen += len(c.Keys) // two commits can share a revision
		if seen == 2*commits {
			return errEnough
		}
		return nil
	})
	wantErr(t, err, errEnough)
}

func testWatchBlocks(t *testing.T, b store.Backend) {
	rev := commit(t, b, writes(kv("a", "1")))
	changes, done := make(chan store.Change), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		done <- b.Watch(ctx, rev, func(c store.Change) error {
			if len(c.Keys) > 0 {
				changes <- c
			}
			return nil
		})
	}()
	for range 3 {
		rev := commit(t, b, writes(kv("a", "2")))
		if c := <-changes; c.Rev != rev {
			t.Errorf("watched %d after commit %d", c.Rev, rev)
		}
	}
	cancel()
	wantErr(t, <-done, context.Canceled)
}

func testWatchEnds(t *testing.T, b store.Backend) {
	start := head(t, b)
	rev := commit(t, b, writes(kv("a", "1")))
	commit(t, b, writes(kv("a", "2")))
	calls := 0
	err := b.Watch(t.Context(), start, func(store.Change) error { calls++; return errEnough })
	if err != errEnough || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
	uncalled := func(store.Change) error { t.Error("called"); return nil }
	wantErr(t, b.Watch(endedContext(t), start, uncalled), context.Canceled)

	done := make(chan error, 1)
	waiting := make(chan bool)
	go func() {
		done <- b.Watch(t.Context(), rev, func(c store.Change) error {
			if len(c.Keys) > 0 {
				close(waiting)
			}
			return nil
		})
	}()
	<-waiting
	b.Close()
	wantErr(t, <-done, store.ErrClosed)
}

func testWatchCompacted(t *testing.T, b store.Backend) {
	rev := commit(t, b, writes(kv("a", "1")))
	fail := func(store.Change) error { t.Error("called"); return nil }
	wantErr(t, b.Watch(t.Context(), rev+1, fail), store.ErrCompacted)
	wantErr(t, b.Watch(t.Context(), -1, fail), store.ErrCompacted)
}

// A revision that Watch delivers or a View shows can be read, and watched from.
func testWatchedIsVisible(t *testing.T, b store.Backend) {
	const commits = 200
	start := head(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range commits {
			if _, err := b.Commit(ctx, writes(kv("a", ""))); err != nil {
				t.Errorf("Commit: %v", err)
				cancel()
			}
		}
	}()
	seen := 0
	err := b.Watch(ctx, start, func(c store.Change) error {
		if len(c.Keys) == 0 {
			return nil
		}
		view(t, b, func(r store.Reader) {
			if item := get(t, r, "a"); r.Rev() < c.Rev || item.Rev < c.Rev {
				t.Errorf("watched %d, but a View is at %d with %+v", c.Rev, r.Rev(), item)
			}
			err := b.Watch(endedContext(t), r.Rev(), func(store.Change) error { return nil })
			wantErr(t, err, context.Canceled)
		})
		if seen++; seen == commits {
			return errEnough
		}
		return nil
	})
	wantErr(t, err, errEnough)
}

// After a View, each watcher learns its revision, no matter what made the revision: also a commit that is only checked,
// and a deletion of absent keys.
func testViewedIsTold(t *testing.T, b store.Backend) {
	start := head(t, b)
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := make([]chan int64, 2)
	for i := range told {
		told[i] = make(chan int64, 1000)
		watching.Go(func() {
			err := b.Watch(ctx, start, func(c store.Change) error { told[i] <- c.Rev; return nil })
			wantErr(t, err, context.Canceled)
		})
	}
	for i, batch := range []store.Batch{
		writes(kv("a", "1")),
		{Checks: []store.Check{at("never", 0)}},
		writes(del("never")),
		writes(del("a")),
		writes(kv("b", ""), del("never")),
	} {
		commit(t, b, batch)
		rev := head(t, b)
		for w, c := range told {
			last := start
			for last < rev {
				select {
				case last = <-c:
				case <-time.After(time.Minute):
					t.Fatalf("after batch %d, watcher %d was told %d, not %d", i, w, last, rev)
				}
			}
			c <- last // for the next batch, which may have the same revision
		}
	}
}

func testClose(t *testing.T, b store.Backend) {
	rev := commit(t, b, writes(kv("a", "1")))
	if err := b.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	_, err := b.Commit(t.Context(), writes(kv("b", "1")))
	wantErr(t, err, store.ErrClosed)
	wantErr(t, b.View(t.Context(), func(store.Reader) error { t.Error("called"); return nil }), store.ErrClosed)
	wantErr(t, b.Watch(t.Context(), rev, func(store.Change) error { t.Error("called"); return nil }), store.ErrClosed)
	if err := b.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
