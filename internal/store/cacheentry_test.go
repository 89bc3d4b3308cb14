package store

import "testing"

// A shard holds 1 MiB, with 256 bytes and the path for each record, and evicts other records than the newest.
func TestCacheIsBoundedToTheByte(t *testing.T) {
	c := newCache()
	s := c.shard("path")
	for size, want := range map[int]int{1<<20 - 260: 1 << 20, 1<<20 - 259: 0, 10: 270, 0: 260} {
		c.put("path", cached{value: 1, rev: 1, size: size})
		if held := c.get("path") != nil; held != (want > 0) || s.size != want {
			t.Errorf("a record of %d bytes is held: %v, with %d bytes", size, held, s.size)
		}
		c.begin([]Write{{Key: []byte("path")}})
		c.end([]Write{{Key: []byte("path")}}, 0, nil)
		if s.size != 0 || len(s.records) != 0 || len(s.writing) != 0 {
			t.Errorf("%d bytes and %d records are left", s.size, len(s.records))
		}
	}
	other := "a"
	for c.shard(other) != s {
		other += "a"
	}
	c.put("path", cached{value: 1, rev: 1, size: 1<<20 - 260 - 256 - len(other)})
	c.put(other, cached{value: 2, rev: 1})
	if c.get("path") == nil || c.get(other) == nil || s.size != 1<<20 {
		t.Errorf("two records that fit exactly take %d bytes", s.size)
	}
	c.put(other, cached{value: 2, rev: 1, size: 1})
	if c.get("path") != nil || c.get(other) == nil || s.size != 257+len(other) {
		t.Errorf("two records that do not fit take %d bytes", s.size)
	}
}

// A write by another Store drops the older record from memory, and nothing else.
func TestCacheFollowsChanges(t *testing.T) {
	for name, drop := range map[string]func(c *cache, rev int64){
		"changed": func(c *cache, rev int64) { c.changed("a", rev) }, "clear": (*cache).clear,
	} {
		for read, want := range map[int64]bool{4: false, 5: true, 6: true} {
			c := newCache()
			c.put("a", cached{value: 1, rev: read})
			drop(c, 5)
			if held := c.get("a") != nil; held != want {
				t.Errorf("%s at 5: a record that was read at %d is held: %v", name, read, held)
			}
			drop(c, 3) // does not lower the floor
			c.put("a", cached{value: 1, rev: read})
			if held := c.get("a") != nil; held != want {
				t.Errorf("%s at 5: a record that was read at %d enters: %v", name, read, held)
			}
		}
	}
}

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
	c.end(writes, 0, nil) // which was in conflict
	if holds(1) || holds(9) {
		t.Error("a record enters while the other commit runs")
	}
	c.end(writes, 5, nil)
	if c.get("a") != nil || holds(4) {
		t.Error("a record enters that was read before the commit")
	}
	if !holds(5) {
		t.Error("a record does not enter that was read after the commit")
	}
}

// A commit leaves its entry, unless a later write of the path is known when it ends, or its outcome is not known.
func TestCacheKeepsWrites(t *testing.T) {
	writes := []Write{{Key: []byte("a")}}
	entry := func(rev int64) map[string]cached {
		return map[string]cached{"a": {item: known{Item: Item{Value: []byte("value")}}, rev: rev, written: rev}}
	}
	for name, test := range map[string]struct {
		meanwhile func(c *cache)
		want      bool
	}{
		"nothing":                    {func(*cache) {}, true},
		"the feed tells the commit":  {func(c *cache) { c.changed("a", 5) }, true},
		"a write of another path":    {func(c *cache) { c.shard("a").floor = 9 }, true},
		"a later write of the path":  {func(c *cache) { c.changed("a", 6) }, false},
		"a new watch":                {func(c *cache) { c.clear(6) }, false},
		"a commit that is under way": {func(c *cache) { c.begin(writes) }, false},
		"a later commit that has ended": {func(c *cache) {
			c.begin(writes)
			c.end(writes, 6, entry(6))
		}, false},
	} {
		c := newCache()
		c.begin(writes)
		test.meanwhile(c)
		c.end(writes, 5, entry(5))
		if got := c.entry("a").written; (got == 5) != test.want || got != 0 && got != 5 {
			t.Errorf("%s: the cache has the write of %d", name, got)
		}
	}
	c := newCache()
	c.begin(writes)
	c.end(writes, 5, map[string]cached{"a": {item: known{Item: Item{Value: make([]byte, cacheSize)}}, rev: 5, written: 5}})
	if c.entry("a").item.Value != nil {
		t.Error("an entry is larger than a shard")
	}
}
