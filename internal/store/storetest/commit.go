package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

func testItems(t *testing.T, b store.Backend) {
	view(t, b, func(r store.Reader) {
		if r.Rev() < 0 {
			t.Errorf("a new Backend is at revision %d", r.Rev())
		}
		if item := get(t, r, "a"); item.Rev != 0 || item.Value != nil || string(item.Key) != "a" {
			t.Errorf("absent item is %+v", item)
		}
	})
	start := head(t, b)
	first := commit(t, b, writes(kv("a", "1"), kv("b", "2")))
	second := commit(t, b, writes(kv("b", "3"), kv("c", "4")))
	if first <= start || second <= first {
		t.Fatalf("revisions %d, %d do not grow", first, second)
	}
	view(t, b, func(r store.Reader) {
		if r.Rev() != second {
			t.Errorf("Rev is %d after commit %d", r.Rev(), second)
		}
		if item := get(t, r, "b"); string(item.Key) != "b" || string(item.Value) != "3" || item.Rev != second {
			t.Errorf("b is %+v", item)
		}
		want := fmt.Sprintf("a=1@%d b=3@%d c=4@%d ", first, second, second)
		if got := dump(t, r); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	third := commit(t, b, writes(del("b"), del("never")))
	want := fmt.Sprintf("a=1@%d c=4@%d ", first, second)
	if got := content(t, b); got != want || third <= second {
		t.Errorf("after the deletion at %d: got %s, want %s", third, got, want)
	}
	view(t, b, func(r store.Reader) {
		if item := get(t, r, "b"); item.Rev != 0 || item.Value != nil {
			t.Errorf("deleted item is %+v", item)
		}
	})
}

func testGetOfManyKeys(t *testing.T, b store.Backend) {
	commit(t, b, writes(kv("a", "1"), store.Write{Key: []byte("b"), Value: []byte{}}, kv("d", "4")))
	rev := commit(t, b, writes(kv("c", "3"), del("d")))
	read := func(r store.Reader, keys ...string) (items []store.Item, err error) {
		var all [][]byte
		for _, key := range keys {
			all = append(all, []byte(key))
		}
		return r.Get(all...)
	}
	view(t, b, func(r store.Reader) {
		commit(t, b, writes(kv("a", "later"), kv("d", "later")))
		items, err := read(r, "c", "a", "never", "c", "b", "d")
		if err != nil || len(items) != 6 {
			t.Fatalf("%d items, %v", len(items), err)
		}
		for i, want := range []string{`c "3" true`, `a "1" true`, `never "" false`, `c "3" true`, `b "" true`, `d "" false`} {
			item := items[i]
			if got := fmt.Sprintf("%s %q %v", item.Key, item.Value, item.Rev != 0); got != want {
				t.Errorf("item %d is %s, want %s", i, got, want)
			}
			if (item.Value == nil) != (item.Rev == 0) {
				t.Errorf("item %d is %#v", i, item)
			}
		}
		if items[0].Rev != rev || items[3].Rev != rev {
			t.Errorf("c has revisions %d and %d, not %d", items[0].Rev, items[3].Rev, rev)
		}
		copy(items[0].Value, "x") // the bytes of two items of one key are not shared
		if string(items[3].Value) != "3" || string(get(t, r, "c").Value) != "3" {
			t.Error("items share their bytes")
		}
		if items, err := read(r); err != nil || len(items) != 0 {
			t.Errorf("Get of no keys: %v, %v", items, err)
		}
		most := slices.Repeat([]string{"a"}, store.MaxBatch)
		if items, err := read(r, most...); err != nil || len(items) != store.MaxBatch {
			t.Errorf("Get of %d keys: %d items, %v", len(most), len(items), err)
		}
		_, err = read(r, append(most, "a")...)
		wantErr(t, err, store.ErrInvalid)
	})
}

func testEmptyValue(t *testing.T, b store.Backend) {
	rev := commit(t, b, writes(store.Write{Key: []byte("empty"), Value: []byte{}}))
	view(t, b, func(r store.Reader) {
		if item := get(t, r, "empty"); item.Rev != rev || item.Value == nil || len(item.Value) != 0 {
			t.Errorf("empty item is %+v", item)
		}
	})
	commit(t, b, writes(store.Write{Key: []byte("empty"), Value: nil}))
	if got := content(t, b); got != "" {
		t.Errorf("after a nil value: %s", got)
	}
}

func testChecks(t *testing.T, b store.Backend) {
	first := commit(t, b, writes(kv("kept", "1"), kv("changed", "1"), kv("deleted", "1"), kv("again", "1")))
	second := commit(t, b, writes(kv("changed", "2"), del("deleted"), del("again"), kv("created", "2")))
	third := commit(t, b, writes(kv("again", "1")))
	for _, test := range []struct {
		check store.Check
		holds bool
	}{
		{at("kept", first), true},
		{at("kept", 0), false},
		{at("kept", second), false},
		{at("changed", first), false},
		{at("changed", second), true},
		{at("deleted", first), false},
		{at("deleted", second), false},
		{at("deleted", 0), true},
		{at("created", 0), false},
		{at("created", second), true},
		{at("never", 0), true},
		{at("never", first), false},
		{at("again", first), false}, // same bytes as at the first revision
		{at("again", third), true},
	} {
		_, err := b.Commit(t.Context(), store.Batch{Checks: []store.Check{test.check}, Writes: []store.Write{kv("x", "")}})
		switch {
		case test.holds && err != nil:
			t.Errorf("%s at %d: %v", test.check.Key, test.check.Rev, err)
		case !test.holds && !errors.Is(err, store.ErrConflict):
			t.Errorf("%s at %d: got %v, want ErrConflict", test.check.Key, test.check.Rev, err)
		}
	}
}

func testAllOrNothing(t *testing.T, b store.Backend) {
	rev := commit(t, b, writes(kv("a", "1"), kv("b", "1")))
	before := content(t, b)
	for _, checks := range [][]store.Check{
		{at("a", rev), at("b", rev+1)},
		{at("b", rev+1), at("a", rev)},
		{at("a", rev), at("c", rev)},
	} {
		_, err := b.Commit(t.Context(), store.Batch{Checks: checks,
			Writes: []store.Write{kv("a", "2"), del("b"), kv("c", "2")}})
		wantErr(t, err, store.ErrConflict)
	}
	if got := content(t, b); got != before {
		t.Errorf("after conflicts: %s, before: %s", got, before)
	}
	// Checks apply to the state before the writes of the same batch.
	commit(t, b, store.Batch{Checks: []store.Check{at("a", rev), at("c", 0)},
		Writes: []store.Write{kv("a", "2"), kv("c", "2")}})
}

func testLimits(t *testing.T, b store.Backend) {
	long := string(bytes.Repeat([]byte("k"), store.MaxKey))
	many := func(n int) (batch store.Batch) {
		for i := range n {
			batch.Checks = append(batch.Checks, at(fmt.Sprintf("%03d", i), 0))
			batch.Writes = append(batch.Writes, kv(fmt.Sprintf("%03d", i), "x"))
		}
		return batch
	}
	full, over := many(store.MaxBatch), many(store.MaxBatch+1)
	for name, batch := range map[string]store.Batch{
		"too many writes":    {Writes: over.Writes},
		"too many checks":    {Checks: over.Checks},
		"no key to write":    writes(kv("", "x")),
		"no key to check":    {Checks: []store.Check{at("", 0)}},
		"key too long":       writes(kv(long+"k", "x")),
		"check key too long": {Checks: []store.Check{at(long+"k", 0)}},
		"too many bytes":     writes(kv("a", strings.Repeat("v", store.MaxBytes-1)), del("b")),
		"too many bytes of checks": {Checks: []store.Check{at("b", 0)},
			Writes: []store.Write{kv("a", strings.Repeat("v", store.MaxBytes-1))}},
		"key written twice": writes(kv("a", "1"), kv("b", "1"), del("a")),
	} {
		if _, err := b.Commit(t.Context(), batch); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	if got := content(t, b); got != "" {
		t.Fatalf("refused batches left %s", got)
	}
	large := store.Batch{Checks: []store.Check{at("b", 0)},
		Writes: []store.Write{kv("a", strings.Repeat("v", store.MaxBytes-3)), del("c")}}
	commit(t, b, large)
	view(t, b, func(r store.Reader) {
		if item := get(t, r, "a"); len(item.Value) != store.MaxBytes-3 {
			t.Errorf("%d bytes of a full batch", len(item.Value))
		}
	})
	commit(t, b, writes(del("a")))
	commit(t, b, full)
	commit(t, b, writes(kv(long, "x")))
	view(t, b, func(r store.Reader) {
		if n := len(scan(t, r, "", "", 1000)); n != store.MaxBatch+1 {
			t.Errorf("%d items after a full batch and a long key", n)
		}
	})
}

func testNoWrites(t *testing.T, b store.Backend) {
	rev := commit(t, b, writes(kv("a", "1")))
	if got := commit(t, b, store.Batch{Checks: []store.Check{at("a", rev)}}); got != rev {
		t.Errorf("a batch without writes is at %d, not %d", got, rev)
	}
	_, err := b.Commit(t.Context(), store.Batch{Checks: []store.Check{at("a", 0)}})
	wantErr(t, err, store.ErrConflict)
	view(t, b, func(r store.Reader) {
		if r.Rev() != rev {
			t.Errorf("revision %d after batches without writes, not %d", r.Rev(), rev)
		}
	})
}

func testContextEnded(t *testing.T, b store.Backend) {
	_, err := b.Commit(endedContext(t), writes(kv("a", "1")))
	wantErr(t, err, context.Canceled)
	wantErr(t, b.View(endedContext(t), func(store.Reader) error { return nil }), context.Canceled)
	if got := content(t, b); got != "" {
		t.Errorf("a commit that was cancelled left %s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = b.View(ctx, func(r store.Reader) error {
		cancel()
		_, err := r.Get([]byte("a"))
		wantErr(t, err, context.Canceled)
		_, err = r.Scan(nil, nil, 1)
		return err
	})
	wantErr(t, err, context.Canceled)
}

// A batch that deletes nothing but absent keys holds its checks, and changes nothing. It may have no revision of
// its own.
func testDeletesNothing(t *testing.T, b store.Backend) {
	rev := commit(t, b, writes(kv("a", "1")))
	if got := commit(t, b, store.Batch{Checks: []store.Check{at("a", rev)},
		Writes: []store.Write{del("never")}}); got < rev {
		t.Errorf("revision %d after %d", got, rev)
	}
	_, err := b.Commit(t.Context(), store.Batch{Checks: []store.Check{at("a", 0)}, Writes: []store.Write{del("never")}})
	wantErr(t, err, store.ErrConflict)
	if got, want := content(t, b), fmt.Sprintf("a=1@%d ", rev); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	next := commit(t, b, writes(kv("b", "1")))
	if got := watch(t, b, rev, 1); got != fmt.Sprintf("%d[b] ", next) && !strings.Contains(got, "[never]") {
		t.Errorf("watched %s", got)
	}
}

// The error of a commit tells its outcome, also when its context ends meanwhile: nil means that it was made,
// ErrUnknown means nothing, and any other error means that it is never made.
func testOutcomes(t *testing.T, b store.Backend) {
	const commits = 200
	outcomes := make([]error, commits)
	var all sync.WaitGroup
	for i := range commits {
		ctx, cancel := context.WithCancel(t.Context())
		all.Go(func() {
			_, outcomes[i] = b.Commit(ctx, writes(kv(fmt.Sprint(i), "x")))
		})
		all.Go(func() {
			for range rand.N(200) {
				runtime.Gosched()
			}
			cancel()
		})
	}
	all.Wait()
	view(t, b, func(r store.Reader) {
		for i, err := range outcomes {
			made := get(t, r, fmt.Sprint(i)).Rev != 0
			if made != (err == nil) && !errors.Is(err, store.ErrUnknown) {
				t.Errorf("commit %d: made %v, error %v", i, made, err)
			}
		}
	})
}

func testBytesNotShared(t *testing.T, b store.Backend) {
	batch, start := writes(kv("key", "value")), head(t, b)
	rev := commit(t, b, batch)
	copy(batch.Writes[0].Key, "xxx")
	copy(batch.Writes[0].Value, "xxxxx")
	if got, want := watch(t, b, start, 1), fmt.Sprintf("%d[key] ", rev); got != want {
		t.Errorf("watched %s, want %s", got, want)
	}
	var kept []store.Item
	view(t, b, func(r store.Reader) {
		kept = append(scan(t, r, "", "", 10), get(t, r, "key"))
		for _, item := range kept {
			copy(item.Key, "yyy")
			copy(item.Value, "yyyyy")
		}
		for _, item := range append(scan(t, r, "", "", 10), get(t, r, "key")) {
			if string(item.Key) != "key" || string(item.Value) != "value" {
				t.Errorf("got %s=%s", item.Key, item.Value)
			}
		}
	})
	commit(t, b, writes(kv("key", "other")))
	for _, item := range kept {
		if string(item.Value) != "yyyyy" {
			t.Errorf("bytes of an ended View became %s", item.Value)
		}
	}
}
