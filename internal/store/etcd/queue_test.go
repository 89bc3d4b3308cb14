package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/keyhold/keyhold/internal/store"
)

// change returns a change with some keys.
func change(rev int64, keys int) store.Change {
	return store.Change{Rev: rev, Keys: make([][]byte, keys)}
}

// The consumer of a queue gets all changes in their order, and the newest of several that only tell the revision.
func TestQueueKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		var gate chan struct{}
		q := newQueue(10, func(c store.Change) error {
			if gate != nil {
				<-gate
			}
			got = append(got, fmt.Sprint(c.Rev, " ", len(c.Keys)))
			return nil
		})
		end := q.start(t.Context())
		add := func(c store.Change) {
			if err := q.add(c); err != nil {
				t.Error(err)
			}
		}
		add(change(1, 2))
		synctest.Wait()
		gate = make(chan struct{})
		add(change(2, 1))
		synctest.Wait() // the consumer is busy
		for _, c := range []store.Change{change(3, 0), change(4, 0), change(5, 9), change(6, 1), change(7, 0), change(9, 0)} {
			add(c)
		}
		if err := q.add(change(10, 1)); !errors.Is(err, store.ErrCompacted) {
			t.Errorf("more than the bound: %v", err)
		}
		close(gate)
		synctest.Wait()
		if want := []string{"1 2", "2 1", "4 0", "5 9", "6 1", "9 0"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		add(change(11, 10))
		synctest.Wait()
		if len(got) != 7 {
			t.Errorf("got %q", got)
		}
		end()
	})
}

// A queue ends with the error of its consumer, or with its context, and calls the consumer no more.
func TestQueueEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed, calls := errors.New("failed"), 0
		q := newQueue(10, func(store.Change) error { calls++; return failed })
		end := q.start(t.Context())
		for rev := range int64(2) {
			if err := q.add(change(rev, 1)); err != nil {
				t.Error(err)
			}
		}
		<-q.ended
		if end(); !errors.Is(q.err, failed) || calls != 1 {
			t.Errorf("%v after %d calls", q.err, calls)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gate := make(chan struct{})
		q = newQueue(10, func(store.Change) error { calls++; cancel(); <-gate; return nil })
		end = q.start(ctx)
		for rev := range int64(2) {
			if err := q.add(change(rev, 1)); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		select {
		case <-q.ended:
			t.Error("the queue ended while it called its consumer")
		default:
		}
		close(gate)
		if end(); !errors.Is(q.err, context.Canceled) || calls != 2 {
			t.Errorf("%v after %d calls", q.err, calls)
		}
	})
}
