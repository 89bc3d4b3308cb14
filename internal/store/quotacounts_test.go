package store

import (
	"context"
	"errors"
	"testing"
)

// A filled Backend has records that are only counted.
type filled struct {
	Backend
	records, scans int
}

func (b *filled) View(_ context.Context, fn func(Reader) error) error { return fn(filledReader{b: b}) }

type filledReader struct {
	Reader
	b *filled
}

func (filledReader) Rev() int64 { return 1 }

func (r filledReader) Scan([]byte, []byte, int) ([]Item, error) {
	r.b.scans++
	return make([]Item, r.b.records), nil
}

// A countTest reserves places for records in one scope with a limit of 5.
type countTest struct {
	*testing.T
	*filled
	store *Store
	quota Quota
}

func newCountTest(t *testing.T, records int) countTest {
	c := countTest{t, &filled{records: records}, nil, Quota{Name: "people", Prefix: "people", Depth: 1, Limit: 5}}
	c.store = New(c.filled, nil)
	c.store.Limit(c.quota)
	return c
}

// reserve reserves one place, and reports whether there was one.
func (c countTest) reserve() (one []countChange, ok bool) {
	c.Helper()
	one = []countChange{{c.quota, "a/", c.store.counts.of(c.quota, "a/"), 1}}
	err := c.store.reserve(c.Context(), one)
	if _, full := errors.AsType[*QuotaError](err); err != nil && !full {
		c.Fatal(err)
	}
	return one, err == nil
}

// room returns how many places there are.
func (c countTest) room() (n int) {
	c.Helper()
	var all []countChange
	for {
		one, ok := c.reserve()
		if !ok {
			release(all)
			return n
		}
		all, n = append(all, one...), n+1
	}
}

// Records are counted once, while the outcome of every commit is known.
func TestRecordsAreCountedOnce(t *testing.T) {
	c := newCountTest(t, 1)
	for range 4 {
		one, ok := c.reserve()
		if !ok {
			t.Fatal("no room")
		}
		c.records++
		finish(one, 2)
	}
	if n := c.room(); n != 0 || c.scans != 1 {
		t.Errorf("room for %d, after %d counts", n, c.scans)
	}
}

// A count while a commit is under way includes the record of the commit, which the store may have already. Then the
// record counts twice, and is counted again after the end of the commit.
func TestCountDuringACommit(t *testing.T) {
	for _, stored := range []bool{false, true} {
		c := newCountTest(t, 1)
		one, ok := c.reserve()
		if !ok {
			t.Fatal("no room")
		}
		if stored {
			c.records++
		}
		c.store.counts.forget()
		during := 5 - c.records - 1
		if n := c.room(); n != during {
			t.Errorf("stored %v: room for %d during the commit, want %d", stored, n, during)
		}
		c.records = 2
		finish(one, 2)
		if n := c.room(); n != 3 {
			t.Errorf("stored %v: room for %d after the commit, want 3", stored, n)
		}
	}
}
