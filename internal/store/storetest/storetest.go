// Package storetest is the conformance suite for implementations of Backend. It also has Backends with faults:
// [Killed] is used by a process that is killed, [Faulty] lies behind an unreliable network.
//
// It tests the contract of [store.Backend] through the interface alone. The tests of each Backend cover faults,
// restarts and speed.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// Test runs the suite. open returns an empty Backend, at any revision from 0 on, and closes it when the given
// test ends. Closing it twice must be harmless.
func Test(t *testing.T, open func(t *testing.T) store.Backend) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, store.Backend)
	}{
		{"Items", testItems},
		{"GetOfManyKeys", testGetOfManyKeys},
		{"EmptyValueIsNotDelete", testEmptyValue},
		{"Checks", testChecks},
		{"AllOrNothing", testAllOrNothing},
		{"Limits", testLimits},
		{"NoWrites", testNoWrites},
		{"DeletesNothing", testDeletesNothing},
		{"Outcomes", testOutcomes},
		{"ContextEnded", testContextEnded},
		{"Scan", testScan},
		{"BytesAreNotShared", testBytesNotShared},
		{"ViewIsOneRevision", testViewIsOneRevision},
		{"ViewsUnderLoad", testViewsUnderLoad},
		{"NewestItems", testNewestItems},
		{"ViewReturnsErrorOfFn", testViewError},
		{"NoLostUpdate", testNoLostUpdate},
		{"NoWriteSkew", testNoWriteSkew},
		{"CommitsAtOnce", testCommitsAtOnce},
		{"WatchOrder", testWatchOrder},
		{"WatchedRevisionsIncrease", testWatchedRevisions},
		{"WatchBlocksUntilNews", testWatchBlocks},
		{"WatchEnds", testWatchEnds},
		{"WatchCompacted", testWatchCompacted},
		{"WatchedIsVisible", testWatchedIsVisible},
		{"ViewedIsTold", testViewedIsTold},
		{"Close", testClose},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// kv returns a Write.
func kv(key, value string) store.Write {
	return store.Write{Key: []byte(key), Value: []byte(value)}
}

func del(key string) store.Write { return store.Write{Key: []byte(key)} }

func at(key string, rev int64) store.Check { return store.Check{Key: []byte(key), Rev: rev} }

func writes(w ...store.Write) store.Batch { return store.Batch{Writes: w} }

// commit commits a batch and fails the test on an error.
func commit(t *testing.T, b store.Backend, batch store.Batch) int64 {
	t.Helper()
	rev, err := b.Commit(t.Context(), batch)
	if err != nil {
		t.Fatalf("Commit: %v", err)
	}
	return rev
}

// view runs fn in a View and fails the test on an error.
func view(t *testing.T, b store.Backend, fn func(store.Reader)) {
	t.Helper()
	err := b.View(t.Context(), func(r store.Reader) error { fn(r); return nil })
	if err != nil {
		t.Fatalf("View: %v", err)
	}
}

func get(t *testing.T, r store.Reader, key string) store.Item {
	t.Helper()
	item, err := store.ReadItem(r, []byte(key))
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	return item
}

func scan(t *testing.T, r store.Reader, from, to string, limit int) []store.Item {
	t.Helper()
	var bounds [2][]byte
	for i, s := range []string{from, to} {
		if s != "" {
			bounds[i] = []byte(s)
		}
	}
	items, err := r.Scan(bounds[0], bounds[1], limit)
	if err != nil {
		t.Fatalf("Scan(%q, %q, %d): %v", from, to, limit, err)
	}
	return items
}

// dump formats all items of a reader as key=value@revision.
func dump(t *testing.T, r store.Reader) string {
	t.Helper()
	var out bytes.Buffer
	for _, item := range scan(t, r, "", "", 1000) {
		fmt.Fprintf(&out, "%s=%s@%d ", item.Key, item.Value, item.Rev)
	}
	return out.String()
}

// head is the current revision.
func head(t *testing.T, b store.Backend) (rev int64) {
	t.Helper()
	view(t, b, func(r store.Reader) { rev = r.Rev() })
	return rev
}

// content is a dump of the current revision.
func content(t *testing.T, b store.Backend) (s string) {
	t.Helper()
	view(t, b, func(r store.Reader) { s = dump(t, r) })
	return s
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func endedContext(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
