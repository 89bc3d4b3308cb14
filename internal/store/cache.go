package store

import (
	"hash/maphash"
	"sync"
)

// cacheSize limits the memory of decoded records in a Store, in bytes. cacheEntry is the overhead of an entry,
// in addition to its record and path.
const (
	cacheSize   = 64 << 20
	cacheEntry  = 256
	cacheShards = 64
)

// A cache keeps decoded records, so that frequent reads need no View. It never returns a record older than one
// that any caller has seen: a path that a commit writes is absent from the cache from before the commit until
// after it, and a record that was read before the end of a commit is not added later.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.RWMutex
	records map[string]cached
	writing map[string]int // number of running commits by path
	floor   int64          // revision of the last commit that wrote to this shard
	size    int
}

type cached struct {
	value   any
	rev     int64 // revision of the View that read it
	written int64 // revision of its last write
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

// get returns the record at a path, or nil if the cache does not have it.
func (c *cache) get(path string) any { return c.entry(path).value }

// entry returns the entry of a path, or the zero value.
func (c *cache) entry(path string) cached {
	s := c.shard(path)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.records[path]
}

// put adds a record that a View read, unless it may have been written since.
func (c *cache) put(path string, r cached) {
	r.size += cacheEntry + len(path)
	s := c.shard(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.rev < s.floor || r.rev < s.records[path].rev || s.writing[path] > 0 || r.size > cacheSize/cacheShards {
		return
	}
	s.drop(path)
	s.records[path] = r
	for s.size += r.size; s.size > cacheSize/cacheShards; {
		for other := range s.records { // evict any entry except the new one
			if other != path {
				s.drop(other)
				break
			}
		}
	}
}

// drop removes an entry. The caller holds s.mu.
func (s *cacheShard) drop(path string) {
	s.size -= s.records[path].size
	delete(s.records, path)
}

// begin must be called before a commit that writes these paths. end must be called after it with its revision,
// or 0.
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

// changed drops a record that was written at a revision, unless the cache has read it at this revision or later.
func (c *cache) changed(path string, rev int64) {
	s := c.shard(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floor = max(s.floor, rev)
	if s.records[path].rev < rev {
		s.drop(path)
	}
}

// clear drops everything that was read before a revision.
func (c *cache) clear(rev int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.floor = max(s.floor, rev)
		for path, r := range s.records {
			if r.rev < rev {
				s.drop(path)
			}
		}
		s.mu.Unlock()
	}
}
