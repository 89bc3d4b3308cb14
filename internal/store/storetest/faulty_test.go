package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A client is a node behind a Faulty.
type client struct {
	*testing.T
	*storetest.Faulty
}

// onFaulty runs a test in a bubble.
func onFaulty(t *testing.T, test func(c client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(client{t, &storetest.Faulty{Backend: memory.New(), Patience: 3 * time.Second}})
	})
}

func (c client) put(name string) (int64, error) {
	return c.Commit(c.Context(), store.Batch{Writes: []store.Write{{Key: []byte(name), Value: []byte(name)}}})
}

// read waits at most a second for a View. It returns whether the record is there.
func (c client) read(name string) (there bool, err error) {
	ctx, cancel := context.WithTimeout(c.Context(), time.Second)
	defer cancel()
	err = c.View(ctx, func(r store.Reader) error {
		i, err := store.ReadItem(r, []byte(name))
		there = i.Rev > 0
		return err
	})
	return there, err
}

// there reports whether the Backend has a record.
func (c client) there(name string) bool {
	c.Helper()
	direct := client{c.T, &storetest.Faulty{Backend: c.Backend}}
	there, err := direct.read(name)
	if err != nil {
		c.Error(err)
	}
	return there
}

func (c client) want(err, want error) {
	c.Helper()
	if !errors.Is(err, want) {
		c.Errorf("got %v, want %v", err, want)
	}
}

// A told is what a watcher of everything gets.
type told struct {
	changes []string
	err     error
}

// follow watches everything until the test ends.
func (c client) follow() *told {
	w := &told{}
	go func() {
		w.err = c.Watch(c.Context(), 0, func(change store.Change) error {
			w.changes = append(w.changes, fmt.Sprintf("%s", change.Keys))
			return nil
		})
	}()
	synctest.Wait()
	return w
}

// has checks what a watcher got until now.
func (c client) has(w *told, changes ...string) {
	c.Helper()
	synctest.Wait()
	if !slices.Equal(w.changes, changes) {
		c.Errorf("a watcher was told %q, want %q", w.changes, changes)
	}
}

func TestCut(t *testing.T) {
	onFaulty(t, func(c client) {
		w := c.follow()
		c.put("a")
		synctest.Wait()
		c.Cut(true)
		_, err := c.put("b")
		c.want(err, storetest.ErrCut)
		_, err = c.read("a")
		c.want(err, storetest.ErrCut)
		c.want(c.Watch(c.Context(), 0, nil), storetest.ErrCut)
		other := client{t, &storetest.Faulty{Backend: c.Backend}}
		other.put("c")
		c.has(w, "[a]")
		c.Cut(false)
		c.has(w, "[a]", "[c]")
		if c.there("b") {
			c.Error("a commit passed the cut")
		}
	})
}

// A cut after a commit has reached the Backend loses the answer.
func TestCutDuringACommit(t *testing.T) {
	onFaulty(t, func(c client) {
		c.Next = func(store.Batch) (storetest.Fault, time.Duration) { c.Cut(true); return storetest.None, 0 }
		_, err := c.put("a")
		c.want(err, store.ErrUnknown)
		if !c.there("a") {
			c.Error("the commit was not made")
		}
	})
}

// A cut during a View ends its reads.
func TestCutDuringAView(t *testing.T) {
	onFaulty(t, func(c client) {
		err := c.View(c.Context(), func(r store.Reader) error {
			c.Cut(true)
			_, err := r.Scan(nil, nil, 1)
			return err
		})
		c.want(err, storetest.ErrCut)
	})
}

func TestMute(t *testing.T) {
	onFaulty(t, func(c client) {
		w := c.follow()
		c.Mute(true)
		_, err := c.put("a")
		c.want(err, store.ErrUnknown)
		if !c.there("a") {
			c.Error("a commit did not reach the Backend")
		}
		_, err = c.read("a")
		c.want(err, context.DeadlineExceeded)
		c.has(w)
		c.Mute(false)
		c.has(w, "[a]")
		if _, err := c.put("b"); err != nil {
			c.Error(err)
		}
	})
}

func TestPause(t *testing.T) {
	onFaulty(t, func(c client) {
		w := c.follow()
		c.Pause()
		_, err := c.put("a")
		c.want(err, store.ErrUnknown)
		if c.there("a") {
			c.Error("a paused commit was made")
		}
		_, err = c.read("a")
		c.want(err, context.DeadlineExceeded)
		if made, err := c.Release(c.Context()); made != 1 || err != nil || !c.there("a") {
			c.Error(made, err)
		}
		c.has(w)
		c.Resume()
		c.has(w, "[a]")
	})
}

// A pause that is shorter than the patience of a commit delays the commit, or its answer.
func TestShortPause(t *testing.T) {
	onFaulty(t, func(c client) {
		for _, pausedBefore := range []bool{true, false} {
			c.Next = func(store.Batch) (storetest.Fault, time.Duration) {
				if !pausedBefore {
					c.Pause()
				}
				return storetest.None, 0
			}
			if pausedBefore {
				c.Pause()
			}
			time.AfterFunc(2*time.Second, c.Resume)
			begun := time.Now()
			if _, err := c.put("a"); err != nil || time.Since(begun) != 2*time.Second {
				c.Error(time.Since(begun), err)
			}
		}
	})
}

// A View that waits sees the revision from before the wait.
func TestSlowView(t *testing.T) {
	onFaulty(t, func(c client) {
		c.Latency = func() time.Duration { return time.Second }
		other := client{t, &storetest.Faulty{Backend: c.Backend}}
		time.AfterFunc(time.Millisecond, func() { other.put("a") })
		begun := time.Now()
		err := c.View(c.Context(), func(r store.Reader) error {
			i, err := store.ReadItem(r, []byte("a"))
			if i.Rev != 0 {
				c.Error("a View sees a later commit")
			}
			return err
		})
		if err != nil || time.Since(begun) != time.Second || !c.there("a") {
			c.Error(time.Since(begun), err)
		}
	})
}

func TestDeafen(t *testing.T) {
	onFaulty(t, func(c client) {
		deaf := c.follow()
		c.put("a")
		synctest.Wait()
		c.Deafen()
		c.put("b")
		hears := c.follow()
		c.has(deaf, "[a]")
		c.has(hears, "[a]", "[b]")
	})
}

func TestBreak(t *testing.T) {
	onFaulty(t, func(c client) {
		broken := c.follow()
		c.put("a")
		synctest.Wait()
		c.Break(store.ErrCompacted)
		c.put("b")
		c.has(broken, "[a]")
		c.want(broken.err, store.ErrCompacted)
		c.has(c.follow(), "[a]", "[b]")
	})
}

// Changes with different delays arrive in order, and changes that are under way at the same time do not wait for
// each other.
func TestLag(t *testing.T) {
	onFaulty(t, func(c client) {
		delays := []time.Duration{3 * time.Second, 2 * time.Second, 4 * time.Second}
		c.Lag = func() (d time.Duration) { d, delays = delays[0], delays[1:]; return d }
		w := c.follow()
		c.put("a")
		c.put("b")
		c.put("c")
		time.Sleep(2900 * time.Millisecond)
		c.has(w)
		time.Sleep(200 * time.Millisecond)
		c.has(w, "[a]", "[b]")
		time.Sleep(time.Second)
		c.has(w, "[a]", "[b]", "[c]")
	})
}

// A Watch that ends with its context, or with the error of its function, returns this error.
func TestWatchEnds(t *testing.T) {
	for _, lag := range []time.Duration{0, time.Second} {
		onFaulty(t, func(c client) {
			if lag > 0 {
				c.Lag = func() time.Duration { return lag }
			}
			c.put("a")
			enough := errors.New("enough")
			c.want(c.Watch(c.Context(), 0, func(store.Change) error { return enough }), enough)
			ctx, cancel := context.WithTimeout(c.Context(), time.Minute)
			defer cancel()
			c.want(c.Watch(ctx, 0, func(store.Change) error { return nil }), context.DeadlineExceeded)
			c.Pause()
			c.want(c.Watch(ctx, 0, func(store.Change) error { return nil }), context.DeadlineExceeded)
		})
	}
}
