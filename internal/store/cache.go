package store

import (
	"hash/maphash"
	"sync"
)

// cacheSize bounds the memory of the records that a Store keeps decoded, in bytes, and
// cacheEntry is what each takes beside the record and its path.
const (
	cacheSize   = 64 << 20
	cacheEntry  = 256
	cacheShards = 64
)

// A cache keeps decoded records at hand, so that reading one that is read often
// begins no View. What it gives is never older than what anybody was told: a path
// that a commit writes is not in the cache from before the commit until after it,
// and what was read before the end of one does not enter it later.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.RWMutex
	records map[string]cached
	writing map[string]int // commits under way, by path
	floor   int64          // revision of the last commit that wrote here
	size    int
}

type cached struct {
	value   any
	rev     int64 // of the View that it was read in
	written int64 // the revision of its last write
	size    int
}

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].records, c.shards[i].writing = map[string]cached{}, map[string]int{}
	}
	return c
}

func (c *cache) shard(path string) *cacheShard {
	return &c.shards[maphash.String(c.seed, path)%cacheShards]
}

// get returns the record at a path, nil if it is not at hand.
func (c *cache) get(path string) any { return c.entry(path).value }

// entry returns what is kept of a path, the zero value if nothing is.
func (c *cache) entry(path string) cached {
	s := c.shard(path)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.records[path]
}

// put keeps a record that was read in a View of the revision, unless it may have
// been written since.
func (c *cache) put(path string, r cached) {
	r.size += cacheEntry + len(path)
	s := c.shard(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.rev < s.floor || s.writing[path] > 0 || r.size > cacheSize/cacheShards {
		return
	}
	s.drop(path)
	s.records[path] = r
	for s.size += r.size; s.size > cacheSize/cacheShards; {
		for other := range s.records { // in no order: any but the new one
			if other != path {
				s.drop(other)
				break
			}
		}
	}
}

// drop forgets a record. The caller holds s.mu.
func (s *cacheShard) drop(path string) {
	s.size -= s.records[path].size
	delete(s.records, path)
}

// begin is called before a commit that writes these paths, and end after it, with
// its revision if it has one.
func (c *cache) begin(writes []Write) {
	for _, w := range writes {
		s := c.shard(string(w.Key))
		s.mu.Lock()
		s.drop(string(w.Key))
		s.writing[string(w.Key)]++
		s.mu.Unlock()
	}
}

func (c *cache) end(writes []Write, rev int64) {
	for _, w := range writes {
		path := string(w.Key)
		s := c.shard(path)
		s.mu.Lock()
		s.floor = max(s.floor, rev)
		if s.writing[path]--; s.writing[path] == 0 {
			delete(s.writing, path)
		}
		s.mu.Unlock()
	}
}
