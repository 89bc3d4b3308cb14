package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/keyhold/keyhold/internal/store"
)

// revs returns the revisions that a watcher gets until the feed has no more, and its error.
func revs(f *store.Feed, after int64) (out []int64, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = f.Watch(ctx, after, func(c store.Change) error { out = append(out, c.Rev); return nil })
	}()
	synctest.Wait()
	cancel()
	<-done
	return out, err
}

func TestFeedHoldsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := store.NewFeed(100, 4)
		for rev := int64(101); rev <= 120; rev++ {
			f.Publish(store.Change{Rev: rev})
		}
		for after := int64(99); after <= 121; after++ {
			got, err := revs(f, after)
			switch {
			case after >= 116 && after <= 120:
				if !errors.Is(err, context.Canceled) || int64(len(got)) != 120-after || len(got) > 0 && got[0] != after+1 {
					t.Errorf("after %d: %v, %v", after, got, err)
				}
			case after < 110 || after > 120:
				if err != store.ErrCompacted || got != nil {
					t.Errorf("after %d: %v, %v", after, got, err)
				}
			}
		}
	})
}

func TestFeedWithGapsBetweenRevisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := store.NewFeed(7, 4)
		f.Publish(store.Change{Rev: 10}, store.Change{Rev: 20})
		for after, want := range map[int64]string{7: "[10 20]", 9: "[10 20]", 10: "[20]", 15: "[20]", 20: "[]"} {
			if got, err := revs(f, after); fmt.Sprint(got) != want {
				t.Errorf("after %d: %v, %v", after, got, err)
			}
		}
		for _, after := range []int64{6, 21} {
			if got, err := revs(f, after); err != store.ErrCompacted {
				t.Errorf("after %d: %v, %v", after, got, err)
			}
		}
	})
}

// A slow watcher delays nobody, gets no gap, and gets ErrCompacted.
func TestFeedSlowWatcher(t *testing.T) {
	f := store.NewFeed(0, 4)
	f.Publish(store.Change{Rev: 1}, store.Change{Rev: 2})
	var seen []int64
	err := f.Watch(t.Context(), 0, func(c store.Change) error {
		seen = append(seen, c.Rev)
		for rev := range int64(20) {
			f.Publish(store.Change{Rev: c.Rev*100 + rev})
		}
		return nil
	})
	if err != store.ErrCompacted || fmt.Sprint(seen) != "[1 2]" {
		t.Errorf("%v after %v", err, seen)
	}
}

func TestFeedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := store.NewFeed(5, 4)
		done := make(chan error, 1)
		wait := func(ctx context.Context, rev int64) { done <- f.Wait(ctx, rev) }
		blocked := func() bool { synctest.Wait(); return len(done) == 0 }

		if err := f.Wait(t.Context(), 5); err != nil {
			t.Errorf("for the head: %v", err)
		}
		go wait(t.Context(), 7)
		f.Publish(store.Change{Rev: 6})
		if !blocked() {
			t.Error("did not wait for 7")
		}
		f.Publish(store.Change{Rev: 7})
		if err := <-done; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go wait(ctx, 8)
		if !blocked() {
			t.Error("did not wait for 8")
		}
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("cancelled: %v", err)
		}
		go wait(t.Context(), 8)
		if !blocked() {
			t.Error("did not wait for 8")
		}
		f.Stop(errMine)
		f.Stop(store.ErrClosed)
		if err := <-done; err != errMine {
			t.Errorf("stopped: %v", err)
		}
		if err := f.Wait(t.Context(), 7); err != nil {
			t.Errorf("wait for a published revision: %v", err)
		}
		if err := f.Watch(t.Context(), 7, nil); err != errMine {
			t.Errorf("watch of a stopped feed: %v", err)
		}
	})
}

// The changes that a Feed still holds are available, and the older ones are not, whatever their revisions are.
func TestFeedDropsToTheRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := store.NewFeed(0, 4)
		for rev := int64(10); rev <= 80; rev += 10 {
			f.Publish(store.Change{Rev: rev})
		}
		if got, err := revs(f, 40); fmt.Sprint(got) != "[50 60 70 80]" {
			t.Errorf("after the last change that was dropped: %v, %v", got, err)
		}
		for after := int64(0); after < 40; after++ {
			if got, err := revs(f, after); err != store.ErrCompacted {
				t.Fatalf("after %d: %v, %v", after, got, err)
			}
		}
	})
}
