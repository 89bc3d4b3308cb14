package local

import (
	"errors"
	"runtime"
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
