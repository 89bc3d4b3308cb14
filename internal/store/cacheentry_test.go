package store

import "testing"

// While a path is being written, and for a View that is older than the commit, nothing
// enters the cache.
func TestCacheDuringCommits(t *testing.T) {
	c, writes := newCache(), []Write{{Key: []byte("a")}}
	holds := func(rev int64) bool {
		c.put("a", cached{value: rev, rev: rev})
		return c.get("a") != nil
	}
	if !holds(1) {
		t.Fatal("a record does not enter")
	}
	c.begin(writes)
	c.begin(writes) // by another transaction
	if c.get("a") != nil || holds(1) || holds(9) {
		t.Error("a record is cached while its path is being written")
	}
	c.end(writes, 0) // which was in conflict
	if holds(1) || holds(9) {
		t.Error("a record enters while the other commit runs")
	}
	c.end(writes, 5)
	if c.get("a") != nil || holds(4) {
		t.Error("a record enters that was read before the commit")
	}
	if !holds(5) {
		t.Error("a record does not enter that was read after the commit")
	}
}
