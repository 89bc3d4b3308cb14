package local

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// A writer that arrives during a sync waits for the next sync.
func TestNobodyJoinsASyncThatHasBegun(t *testing.T) {
	var g groupSync
	waits := func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.next != nil
	}
	syncs, second := 0, make(chan error, 1)
	err := g.do(func() error {
		syncs++
		if waits() {
			second <- errors.New("a sync that has begun can be joined")
			return nil
		}
		go func() {
			second <- g.do(func() error { syncs++; return nil })
		}()
		for !waits() {
			runtime.Gosched()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-second; err != nil || syncs != 2 {
		t.Errorf("%v, %d syncs for two writers, the second of whom came during the first sync", err, syncs)
	}
}

// Everybody who shares a sync waits for its end, and gets its error.
func TestThoseWhoJoinWaitForTheSync(t *testing.T) {
	broken := errors.New("the disk is broken")
	var g groupSync
	g.running.Lock() // another sync runs
	var ended atomic.Bool
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			err := g.do(func() error { ended.Store(true); return broken })
			if !ended.Load() || !errors.Is(err, broken) {
				t.Errorf("the sync has ended: %v, and returned %v", ended.Load(), err)
			}
		})
		for range 100 {
			runtime.Gosched()
		}
	}
	g.running.Unlock()
	all.Wait()
}
